-- per account, what flowed on all days is what its posted transactions in its currency add up to
with by_day as (
    select
        account_id,
        sum(inflow) as inflow,
        sum(outflow) as outflow,
        sum(transaction_count) as transaction_count
    from {{ ref('fct_daily_balances') }}
    group by account_id
),

accounts as (
    select * from {{ ref('dim_accounts') }}
),

by_transaction as (
    select
        entries.account_id,
        sum(entries.amount) filter (where entries.amount > 0) as inflow,
        sum(-entries.amount) filter (where entries.amount < 0) as outflow,
        count(*) as transaction_count
    from {{ ref('int_live_transactions') }} as entries
    inner join accounts
        on
            entries.account_id = accounts.account_id
            and entries.currency = accounts.currency
    where entries.posting = 'posted'
    group by entries.account_id
)

select coalesce(by_day.account_id, by_transaction.account_id) as account_id
from by_day
full outer join by_transaction
    on by_day.account_id = by_transaction.account_id
where
    coalesce(by_day.inflow, 0) <> coalesce(by_transaction.inflow, 0)
    or coalesce(by_day.outflow, 0) <> coalesce(by_transaction.outflow, 0)
    or coalesce(by_day.transaction_count, 0) <> coalesce(by_transaction.transaction_count, 0)
