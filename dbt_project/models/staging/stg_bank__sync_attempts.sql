with source as (
    select * from {{ source('bank', 'sync_attempts') }}
),

renamed as (
    select
        -- ids
        attempt_id,
        connection_id,
        run_id,

        -- texts
        part,
        outcome,
        error_code,
        error_recovery,

        -- numerics
        pages as page_count,

        -- timestamps
        started_at,
        finished_at
    from source
)

select * from renamed
