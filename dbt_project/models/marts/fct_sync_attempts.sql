with attempts as (
    select * from {{ ref('stg_bank__sync_attempts') }}
),

-- built before: an attempt of a connection it lacks waits for the next build
connections as (
    select * from {{ ref('dim_connections') }}
)

select
    attempts.attempt_id,
    attempts.connection_id,
    connections.provider,
    connections.institution_name,
    attempts.part,
    attempts.outcome,
    attempts.page_count,
    attempts.error_code,
    attempts.error_recovery,
    attempts.run_id,
    attempts.started_at,
    attempts.finished_at,
    extract(epoch from attempts.finished_at - attempts.started_at) as duration_s
from attempts
inner join connections
    on attempts.connection_id = connections.connection_id
