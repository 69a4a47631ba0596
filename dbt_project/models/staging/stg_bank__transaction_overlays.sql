with source as (
    select * from {{ source('bank', 'transaction_overlays') }}
),

renamed as (
    select
        -- ids
        transaction_id,
        connection_id,

        -- texts
        category_primary,
        category_detailed,
        note,

        -- booleans
        is_hidden,

        -- timestamps
        changed_at
    from source
)

select * from renamed
