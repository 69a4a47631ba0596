-- what came in and went out, with and without others, is all that moved; and it moved in the transactions
with by_transaction as (
    select
        user_id,
        currency,
        date_trunc('month', booked_on)::date as month_on,
        sum(amount) as net_flow,
        count(*) as transaction_count
    from {{ ref('fct_transactions') }}
    where posting = 'posted'
    group by user_id, currency, date_trunc('month', booked_on)
)

select
    by_transaction.user_id,
    by_transaction.month_on
from by_transaction
full outer join {{ ref('fct_monthly_flows') }} as flows
    on
        by_transaction.user_id = flows.user_id
        and by_transaction.currency = flows.currency
        and by_transaction.month_on = flows.month_on
where
    by_transaction.net_flow is distinct from flows.net_flow
    or by_transaction.transaction_count is distinct from flows.transaction_count
    or flows.net_flow <> flows.income - flows.spending + flows.transferred_in - flows.transferred_out
    or least(flows.income, flows.spending, flows.transferred_in, flows.transferred_out) < 0
