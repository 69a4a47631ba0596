with transactions as (
    select * from {{ ref('int_live_transactions') }}
),

accounts as (
    select * from {{ ref('dim_accounts') }}
),

categories as (
    select * from {{ ref('int_current_categories') }}
),

transfers as (
    select * from {{ ref('int_transfer_legs') }}
),

overlays as (
    select * from {{ ref('int_effective_overlays') }}
),

-- built before: a transaction of a stream it lacks waits for the next build
recurring as (
    select known.*
    from {{ ref('stg_bank__recurring_transactions') }} as known
    inner join {{ ref('fct_recurring_payments') }} as payments
        on known.stream_id = payments.stream_id
)

select
    transactions.transaction_id,
    transactions.account_id,
    accounts.connection_id,
    accounts.user_id,
    transactions.booked_on,
    transactions.value_on,
    transactions.authorised_on,
    transactions.posting,
    case
        when transactions.amount > 0 then 'inflow'
        when transactions.amount < 0 then 'outflow'
        else 'none'
    end as direction,
    transactions.amount,
    transactions.currency,
    transactions.original_amount,
    transactions.original_currency,
    transactions.description,
    coalesce(categories.merchant_name, transactions.merchant_name) as merchant_name,
    categories.merchant_key,
    categories.merchant_domain,
    transactions.counterparty_name,
    transactions.merchant_category_code,
    -- a person's word goes before all rules, and stands whole: their broad category never meets our fine one
    coalesce(overlays.category_primary, categories.category_primary) as category_primary,
    case
        when overlays.category_primary is not null then overlays.category_detailed
        else categories.category_detailed
    end as category_detailed,
    case
        when overlays.category_primary is not null then 1
        else categories.category_confidence
    end::numeric(5, 4) as category_confidence,
    case
        when overlays.category_primary is not null then 'user'
        else categories.category_source
    end as category_source,
    case
        when overlays.category_primary is not null then 'chosen by the person'
        else categories.category_reason
    end as category_reason,
    overlays.note,
    transfers.counterpart_transaction_id as transfer_counterpart_id,
    transfers.transaction_id is not null as is_transfer,
    recurring.stream_id as recurring_stream_id,
    accounts.account_name,
    accounts.account_type,
    accounts.institution_name,
    transactions.first_seen_at,
    transactions.changed_at,
    current_timestamp as modelled_at
from transactions
-- dim_accounts is built first: a transaction of an account it lacks waits for the next build, and the
-- completeness test tells when that is not for reasons of timing
inner join accounts
    on transactions.account_id = accounts.account_id
left join categories
    on transactions.transaction_id = categories.transaction_id
left join transfers
    on transactions.transaction_id = transfers.transaction_id
left join recurring
    on transactions.transaction_id = recurring.transaction_id
left join overlays
    on transactions.transaction_id = overlays.transaction_id
where not coalesce(overlays.is_hidden, false)
