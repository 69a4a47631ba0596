with transfers as (
    select * from {{ ref('stg_bank__transaction_links') }}
    where
        link_kind = 'transfer'
        and link_state = 'accepted'
        and undone_at is null
),

legs as (
    select
        from_transaction_id as transaction_id,
        to_transaction_id as counterpart_transaction_id
    from transfers
    union all
    select
        to_transaction_id as transaction_id,
        from_transaction_id as counterpart_transaction_id
    from transfers
)

select
    transaction_id,
    min(counterpart_transaction_id) as counterpart_transaction_id
from legs
group by transaction_id
