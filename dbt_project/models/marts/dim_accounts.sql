with accounts as (
    select * from {{ ref('stg_bank__accounts') }}
),

connections as (
    select * from {{ ref('stg_bank__connections') }}
),

newest_balances as (
    select * from {{ ref('int_newest_balances') }}
)

select
    accounts.account_id,
    accounts.connection_id,
    connections.user_id,
    connections.provider,
    connections.institution_name,
    accounts.account_name,
    accounts.official_name,
    accounts.mask,
    accounts.account_type,
    accounts.account_subtype,
    accounts.currency,
    accounts.state,
    current_balance.amount as current_balance,
    current_balance.balance_on as current_balance_on,
    current_balance.confirmed_at as current_balance_confirmed_at,
    available_balance.amount as available_balance,
    available_balance.confirmed_at as available_balance_confirmed_at,
    accounts.first_seen_at,
    accounts.changed_at
from accounts
inner join connections
    on accounts.connection_id = connections.connection_id
left join newest_balances as current_balance
    on
        accounts.account_id = current_balance.account_id
        and current_balance.balance_role = 'current'
left join newest_balances as available_balance
    on
        accounts.account_id = available_balance.account_id
        and available_balance.balance_role = 'available'
