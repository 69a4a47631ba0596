with source as (
    select * from {{ source('bank', 'reconciliations') }}
),

renamed as (
    select
        -- ids
        account_id,
        connection_id,

        -- texts
        currency,
        state,
        reason,

        -- numerics
        opening_amount,
        flows,
        closing_amount,
        difference,
        syncs_differing,

        -- timestamps
        opening_as_of,
        closing_as_of,
        checked_at
    from source
)

select * from renamed
