with connections as (
    select * from {{ ref('stg_bank__connections') }}
),

accounts as (
    select
        connection_id,
        count(*) as account_count
    from {{ ref('dim_accounts') }}
    group by connection_id
),

transactions as (
    select
        connection_id,
        count(*) as transaction_count,
        min(booked_on) as first_booked_on,
        max(booked_on) as last_booked_on
    from {{ ref('fct_transactions') }}
    group by connection_id
)

select
    connections.connection_id,
    connections.user_id,
    connections.provider,
    connections.institution_id,
    connections.institution_name,
    connections.state,
    connections.sync_state,
    connections.error_code,
    connections.error_recovery,
    coalesce(accounts.account_count, 0) as account_count,
    coalesce(transactions.transaction_count, 0) as transaction_count,
    transactions.first_booked_on,
    transactions.last_booked_on,
    connections.consent_expires_at,
    connections.linked_at,
    connections.first_synced_at,
    connections.last_synced_at,
    connections.next_sync_at,
    case
        when connections.state not in ('connected', 'pending_refresh') then 'not_syncing'
        when connections.last_synced_at is null then 'never_synced'
        when
            connections.last_synced_at
            >= current_timestamp - interval '{{ var("fresh_within_hours") }} hours'
            then 'fresh'
        else 'stale'
    end as freshness,
    current_timestamp as measured_at
from connections
left join accounts
    on connections.connection_id = accounts.connection_id
left join transactions
    on connections.connection_id = transactions.connection_id
