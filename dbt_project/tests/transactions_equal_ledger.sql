-- fct_transactions holds exactly the ledger's live rows that nobody hid: as many, with the same sum, per
-- account and currency. Read from the ledger itself; who hid what is modelled. Syncs go on during a build:
-- rows that changed after the build, or so shortly before that their sync may still have been writing, are
-- left out on both sides and judged by the next build.
with build as (
    select
        -- an empty mart does not tell when it was built
        coalesce(max(modelled_at), current_timestamp)
        - interval '{{ var("settled_after_minutes") }} minutes' as settled_until
    from {{ ref('fct_transactions') }}
),

-- decisions stand beside the rows and leave their time of change alone
ends as (
    select
        from_transaction_id as transaction_id,
        greatest(decided_at, undone_at) as decided_at
    from {{ source('bank', 'transaction_links') }}
    union all
    select
        to_transaction_id as transaction_id,
        greatest(decided_at, undone_at) as decided_at
    from {{ source('bank', 'transaction_links') }}
),

decided as (
    select
        transaction_id,
        max(decided_at) as decided_at
    from ends
    group by transaction_id
),

ledger as (
    select
        entries.transaction_id,
        entries.account_id,
        entries.currency,
        entries.amount,
        entries.removed_at is null
        and entries.superseded_by is null
        and not coalesce(overlays.is_hidden, false) as is_live,
        entries.changed_at <= build.settled_until
        and coalesce(overlays.changed_at <= build.settled_until, true)
        and coalesce(decided.decided_at <= build.settled_until, true) as is_settled
    from {{ source('bank', 'transactions') }} as entries
    cross join build
    left join {{ ref('int_effective_overlays') }} as overlays
        on entries.transaction_id = overlays.transaction_id
    left join decided
        on entries.transaction_id = decided.transaction_id
),

expected as (
    select
        account_id,
        currency,
        count(*) as transaction_count,
        sum(amount) as amount
    from ledger
    where
        is_live
        and is_settled
    group by account_id, currency
),

modelled as (
    select
        facts.account_id,
        facts.currency,
        count(*) as transaction_count,
        sum(facts.amount) as amount
    from {{ ref('fct_transactions') }} as facts
    left join ledger
        on facts.transaction_id = ledger.transaction_id
    where coalesce(ledger.is_settled, true)
    group by facts.account_id, facts.currency
)

select
    coalesce(expected.account_id, modelled.account_id) as account_id,
    coalesce(expected.currency, modelled.currency) as currency
from expected
full outer join modelled
    on
        expected.account_id = modelled.account_id
        and expected.currency = modelled.currency
where
    expected.transaction_count is distinct from modelled.transaction_count
    or expected.amount is distinct from modelled.amount
