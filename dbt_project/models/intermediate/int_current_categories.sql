select
    transaction_id,
    category_primary,
    category_detailed,
    category_confidence,
    category_source,
    category_reason,
    merchant_name,
    merchant_key,
    merchant_domain
from {{ ref('stg_bank__transaction_categories') }}
where replaced_at is null
