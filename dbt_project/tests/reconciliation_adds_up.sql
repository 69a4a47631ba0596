-- closing = opening + flows + difference; proven leaves no difference, unknown claims none
select
    account_id,
    currency
from {{ ref('fct_reconciliations') }}
where
    closing_amount <> opening_amount + flows + difference
    or (state = 'proven' and difference is distinct from 0)
    or (state = 'differs' and coalesce(difference, 0) = 0)
    or (state = 'unknown' and difference is not null)
