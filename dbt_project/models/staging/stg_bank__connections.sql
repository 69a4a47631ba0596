with source as (
    select * from {{ source('bank', 'connections') }}
),

renamed as (
    select
        -- ids
        connection_id,
        user_id,
        institution_id,

        -- texts
        provider,
        institution_name,
        state,
        sync_state,
        error_code,
        error_recovery,

        -- timestamps
        consent_expires_at,
        linked_at,
        first_synced_at,
        last_synced_at,
        next_sync_at
    from source
)

select * from renamed
