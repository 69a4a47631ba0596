-- the band holds the usual amount, dates are in order, and only what has not ended expects another one
select stream_id
from {{ ref('fct_recurring_payments') }}
where
    usual_amount not between low_amount and high_amount
    or last_on <= first_on
    or next_on <= last_on
    or (state = 'ended') <> (next_on is null)
