with source as (
    select * from {{ source('bank', 'accounts') }}
),

renamed as (
    select
        -- ids
        account_id,
        connection_id,

        -- texts
        name as account_name,
        official_name,
        mask,
        type as account_type,
        subtype as account_subtype,
        currency,
        state,

        -- timestamps
        first_seen_at,
        changed_at
    from source
)

select * from renamed
