with source as (
    select * from {{ source('bank', 'transactions') }}
),

renamed as (
    select
        -- ids
        transaction_id,
        account_id,
        connection_id,
        superseded_by,

        -- texts
        posting,
        currency,
        description,
        merchant_name,
        counterparty_name,
        merchant_category_code,
        original_currency,
        removal_reason,

        -- numerics
        amount,
        original_amount,
        version,

        -- dates
        booked_on,
        value_on,
        authorised_on,

        -- timestamps
        first_seen_at,
        changed_at,
        removed_at
    from source
)

select * from renamed
