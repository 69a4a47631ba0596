with transactions as (
    select * from {{ ref('fct_transactions') }}
    where posting = 'posted'
)

select
    user_id,
    currency,
    date_trunc('month', booked_on)::date as month_on,
    coalesce(sum(amount) filter (where amount > 0 and not is_transfer), 0)::numeric(38, 8) as income,
    coalesce(-sum(amount) filter (where amount < 0 and not is_transfer), 0)::numeric(38, 8) as spending,
    coalesce(sum(amount) filter (where amount > 0 and is_transfer), 0)::numeric(38, 8) as transferred_in,
    coalesce(-sum(amount) filter (where amount < 0 and is_transfer), 0)::numeric(38, 8) as transferred_out,
    sum(amount)::numeric(38, 8) as net_flow,
    count(*) as transaction_count
from transactions
group by user_id, currency, date_trunc('month', booked_on)
