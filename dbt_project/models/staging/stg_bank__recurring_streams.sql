with source as (
    select * from {{ source('bank', 'recurring_streams') }}
),

renamed as (
    select
        -- ids
        stream_id,
        connection_id,
        account_id,
        last_transaction_id,

        -- texts
        merchant_key,
        merchant_name,
        currency,
        category_primary,
        cadence,
        state,

        -- numerics
        occurrences,
        missed,
        usual_amount,
        low_amount,
        high_amount,
        confidence,

        -- flags
        money_in as is_income,

        -- dates
        first_on,
        last_on,
        next_on,

        -- timestamps
        found_at
    from source
)

select * from renamed
