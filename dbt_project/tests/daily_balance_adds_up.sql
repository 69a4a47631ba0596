-- closing = opening + inflow - outflow on each day, and a day opens where the day before closed
with days as (
    select
        *,
        lag(closing_balance) over (partition by account_id order by balance_on) as previous_closing_balance,
        lag(balance_on) over (partition by account_id order by balance_on) as previous_balance_on
    from {{ ref('fct_daily_balances') }}
)

select
    account_id,
    balance_on
from days
where
    net_flow <> inflow - outflow
    or inflow < 0
    or outflow < 0
    or closing_balance <> opening_balance + inflow - outflow
    or opening_balance <> previous_closing_balance
    or balance_on <> previous_balance_on + 1
