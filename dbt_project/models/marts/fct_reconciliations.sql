with proofs as (
    select * from {{ ref('stg_bank__reconciliations') }}
),

-- built before: a proof of an account it lacks waits for the next build
accounts as (
    select * from {{ ref('dim_accounts') }}
)

select
    proofs.account_id,
    accounts.connection_id,
    accounts.account_name,
    accounts.institution_name,
    proofs.currency,
    proofs.state,
    proofs.reason,
    proofs.opening_amount,
    proofs.flows,
    proofs.closing_amount,
    proofs.difference,
    proofs.syncs_differing,
    proofs.opening_as_of,
    proofs.closing_as_of,
    proofs.checked_at
from proofs
inner join accounts
    on proofs.account_id = accounts.account_id
