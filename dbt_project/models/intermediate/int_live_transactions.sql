select
    transaction_id,
    account_id,
    posting,
    currency,
    description,
    merchant_name,
    counterparty_name,
    merchant_category_code,
    original_currency,
    amount,
    original_amount,
    booked_on,
    value_on,
    authorised_on,
    first_seen_at,
    changed_at
from {{ ref('stg_bank__transactions') }}
where
    removed_at is null
    and superseded_by is null
