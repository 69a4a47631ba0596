with source as (
    select * from {{ source('bank', 'transaction_categories') }}
),

renamed as (
    select
        -- ids
        category_id,
        transaction_id,
        connection_id,

        -- texts
        category_primary,
        category_detailed,
        source as category_source,
        reason as category_reason,
        merchant_name,
        merchant_key,
        merchant_domain,
        model_version,
        taxonomy_version,

        -- numerics
        confidence as category_confidence,

        -- timestamps
        decided_at,
        replaced_at
    from source
)

select * from renamed
