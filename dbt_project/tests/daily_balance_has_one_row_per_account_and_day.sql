select
    account_id,
    balance_on
from {{ ref('fct_daily_balances') }}
group by account_id, balance_on
having count(*) > 1
