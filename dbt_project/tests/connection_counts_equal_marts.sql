-- the sizes told of the connections add up to the marts they are counted in
with told as (
    select
        coalesce(sum(account_count), 0) as account_count,
        coalesce(sum(transaction_count), 0) as transaction_count
    from {{ ref('dim_connections') }}
)

select told.*
from told
where
    told.account_count <> (select count(*) from {{ ref('dim_accounts') }})
    or told.transaction_count <> (select count(*) from {{ ref('fct_transactions') }})
