with source as (
    select * from {{ source('bank', 'recurring_transactions') }}
),

renamed as (
    select
        -- ids
        transaction_id,
        stream_id,
        connection_id
    from source
)

select * from renamed
