-- on its day the newest current balance stands as it was read, and exactly one day of the account is observed
with accounts as (
    select * from {{ ref('dim_accounts') }}
    where current_balance is not null
),

observed_days as (
    select * from {{ ref('fct_daily_balances') }}
    where balance_basis = 'observed'
)

select accounts.account_id
from accounts
left join observed_days
    on accounts.account_id = observed_days.account_id
group by accounts.account_id
having
    count(observed_days.account_id) <> 1
    or max(observed_days.closing_balance) <> max(accounts.current_balance)
    or max(observed_days.balance_on) <> max(accounts.current_balance_on)
