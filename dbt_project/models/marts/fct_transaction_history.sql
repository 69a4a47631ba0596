with current_rows as (
    select
        transaction_id,
        version,
        account_id,
        posting,
        booked_on,
        amount,
        currency,
        description,
        removed_at,
        removal_reason,
        changed_at as valid_from,
        cast(null as timestamptz) as valid_to
    from {{ ref('stg_bank__transactions') }}
),

earlier_rows as (
    select
        transaction_id,
        version,
        account_id,
        posting,
        booked_on,
        amount,
        currency,
        description,
        removed_at,
        removal_reason,
        known_from as valid_from,
        known_until as valid_to
    from {{ ref('stg_bank__transaction_versions') }}
),

-- a sync may go on between the reads of the two: of a version that stands in both, the ended one is right
unioned as (
    select * from earlier_rows
    union all
    select * from current_rows
    where
        not exists (
            select 1 from earlier_rows
            where
                earlier_rows.transaction_id = current_rows.transaction_id
                and earlier_rows.version = current_rows.version
        )
),

-- built before: a transaction of an account it lacks waits for the next build
accounts as (
    select * from {{ ref('dim_accounts') }}
)

select
    unioned.transaction_id,
    unioned.version,
    unioned.account_id,
    accounts.connection_id,
    unioned.posting,
    unioned.booked_on,
    unioned.amount,
    unioned.currency,
    unioned.description,
    unioned.removed_at,
    unioned.removal_reason,
    unioned.valid_from,
    unioned.valid_to
from unioned
inner join accounts
    on unioned.account_id = accounts.account_id
