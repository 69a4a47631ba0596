with source as (
    select * from {{ source('bank', 'transaction_links') }}
),

renamed as (
    select
        -- ids
        link_id,
        connection_id,
        from_transaction_id,
        to_transaction_id,

        -- texts
        kind as link_kind,
        state as link_state,
        decided_by,

        -- numerics
        score,

        -- timestamps
        decided_at,
        undone_at
    from source
)

select * from renamed
