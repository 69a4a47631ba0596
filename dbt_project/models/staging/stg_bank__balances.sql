with source as (
    select * from {{ source('bank', 'balances') }}
),

renamed as (
    select
        -- ids
        balance_id,
        account_id,
        connection_id,

        -- texts
        balance_type,
        role as balance_role,
        currency,

        -- numerics
        amount,

        -- dates
        reference_on,

        -- timestamps
        as_of,
        confirmed_at
    from source
)

select * from renamed
