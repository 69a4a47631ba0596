with accounts as (
    select * from {{ ref('stg_bank__accounts') }}
),

balances as (
    select * from {{ ref('stg_bank__balances') }}
),

ranked as (
    select
        balances.account_id,
        balances.balance_role,
        balances.amount,
        balances.as_of,
        balances.confirmed_at,
        -- the bank's own date where it gave one, else the day we last saw the figure
        coalesce(balances.reference_on, (balances.confirmed_at at time zone 'UTC')::date) as balance_on,
        row_number() over (
            partition by balances.account_id, balances.balance_role
            order by balances.as_of desc, balances.balance_id desc
        ) as newest_first
    from balances
    inner join accounts
        on
            balances.account_id = accounts.account_id
            -- an account may hold pockets in other currencies; its own currency speaks for it
            and balances.currency = accounts.currency
    where balances.balance_role is not null
)

select
    account_id,
    balance_role,
    amount,
    balance_on,
    as_of,
    confirmed_at
from ranked
where newest_first = 1
