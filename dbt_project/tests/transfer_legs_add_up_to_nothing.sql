-- I2: the two legs of a transfer in one currency cancel out; legs a person joined across currencies cannot
with legs as (
    select * from {{ ref('int_transfer_legs') }}
),

transactions as (
    select * from {{ ref('stg_bank__transactions') }}
)

select legs.transaction_id
from legs
inner join transactions as one
    on legs.transaction_id = one.transaction_id
inner join transactions as other
    on legs.counterpart_transaction_id = other.transaction_id
where
    one.currency = other.currency
    and one.amount + other.amount <> 0
