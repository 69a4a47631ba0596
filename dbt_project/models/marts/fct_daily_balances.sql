with accounts as (
    select * from {{ ref('dim_accounts') }}
),

posted as (
    select
        entries.account_id,
        entries.booked_on,
        entries.amount,
        entries.currency = accounts.currency as in_account_currency
    -- hidden rows moved money, too
    from {{ ref('int_live_transactions') }} as entries
    inner join accounts
        on entries.account_id = accounts.account_id
    where entries.posting = 'posted'
),

-- flows in the account's own currency; other currencies are only counted
daily_flows as (
    select
        account_id,
        booked_on,
        sum(greatest(amount, 0)) filter (where in_account_currency) as inflow,
        -sum(least(amount, 0)) filter (where in_account_currency) as outflow,
        count(*) filter (where in_account_currency) as transaction_count,
        count(*) filter (where not in_account_currency) as other_currency_count
    from posted
    group by account_id, booked_on
),

-- least and greatest ignore nulls: an account has days as soon as it has a balance or a transaction
spans as (
    select
        accounts.account_id,
        least(min(daily_flows.booked_on), min(accounts.current_balance_on)) as first_on,
        greatest(max(daily_flows.booked_on), max(accounts.current_balance_on)) as last_on
    from accounts
    left join daily_flows
        on accounts.account_id = daily_flows.account_id
    group by accounts.account_id
),

days as (
    select
        spans.account_id,
        calendar.day::date as balance_on
    from spans
    cross join lateral generate_series(
        spans.first_on::timestamp, spans.last_on::timestamp, interval '1 day'
    ) as calendar (day)
),

-- what had flowed since the first day, at the end of each day
accumulated as (
    select
        days.account_id,
        days.balance_on,
        accounts.connection_id,
        accounts.currency,
        accounts.current_balance,
        accounts.current_balance_on,
        coalesce(daily_flows.inflow, 0) as inflow,
        coalesce(daily_flows.outflow, 0) as outflow,
        coalesce(daily_flows.transaction_count, 0) as transaction_count,
        coalesce(daily_flows.other_currency_count, 0) as other_currency_count,
        sum(coalesce(daily_flows.inflow, 0) - coalesce(daily_flows.outflow, 0)) over (
            partition by days.account_id
            order by days.balance_on
        ) as flow_so_far
    from days
    inner join accounts
        on days.account_id = accounts.account_id
    left join daily_flows
        on
            days.account_id = daily_flows.account_id
            and days.balance_on = daily_flows.booked_on
),

-- the observed balance is the closing balance of its day; other days differ from it by what flowed between
anchored as (
    select
        *,
        current_balance + flow_so_far
        - max(flow_so_far) filter (where balance_on = current_balance_on)
            over (partition by account_id)
            as closing_balance
    from accumulated
)

select
    account_id,
    balance_on,
    connection_id,
    currency,
    (closing_balance - (inflow - outflow))::numeric(38, 8) as opening_balance,
    inflow::numeric(38, 8) as inflow,
    outflow::numeric(38, 8) as outflow,
    (inflow - outflow)::numeric(38, 8) as net_flow,
    closing_balance::numeric(38, 8) as closing_balance,
    transaction_count,
    other_currency_count,
    case
        when closing_balance is null then 'unknown'
        when balance_on = current_balance_on then 'observed'
        when balance_on < current_balance_on then 'reconstructed'
        else 'projected'
    end as balance_basis
from anchored
