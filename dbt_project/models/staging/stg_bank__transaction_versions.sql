with source as (
    select * from {{ source('bank', 'transaction_versions') }}
),

renamed as (
    select
        -- ids
        transaction_id,
        account_id,
        connection_id,

        -- texts
        posting,
        currency,
        description,
        removal_reason,

        -- numerics
        version,
        amount,

        -- dates
        booked_on,

        -- timestamps
        removed_at,
        known_from,
        known_until
    from source
)

select * from renamed
