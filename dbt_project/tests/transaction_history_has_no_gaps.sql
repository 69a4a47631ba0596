-- versions follow one another: the next one starts where the one before ended, and the last one is open
with versions as (
    select
        *,
        lead(valid_from) over (partition by transaction_id order by version) as next_valid_from,
        lead(version) over (partition by transaction_id order by version) as next_version
    from {{ ref('fct_transaction_history') }}
)

select
    transaction_id,
    version
from versions
where
    next_version <> version + 1
    or valid_to is distinct from next_valid_from
    or valid_to < valid_from
