with streams as (
    select * from {{ ref('stg_bank__recurring_streams') }}
),

-- built before: a stream of an account it lacks waits for the next build
accounts as (
    select * from {{ ref('dim_accounts') }}
),

-- the same for all rows of a merchant, once one of them was decided by lists that know it
domains as (
    select
        merchant_key,
        max(merchant_domain) as merchant_domain
    from {{ ref('int_current_categories') }}
    group by merchant_key
)

select
    streams.stream_id,
    streams.account_id,
    accounts.connection_id,
    accounts.user_id,
    accounts.account_name,
    accounts.institution_name,
    streams.merchant_key,
    streams.merchant_name,
    domains.merchant_domain,
    streams.category_primary,
    streams.is_income,
    streams.cadence,
    streams.state,
    streams.first_on,
    streams.last_on,
    streams.next_on,
    streams.currency,
    streams.usual_amount,
    streams.low_amount,
    streams.high_amount,
    -- what the stream costs or brings in a month of average length, so that cadences compare
    round(case streams.cadence
        when 'weekly' then streams.usual_amount * 365.25 / 84
        when 'biweekly' then streams.usual_amount * 365.25 / 168
        when 'semi_monthly' then streams.usual_amount * 2
        when 'four_weekly' then streams.usual_amount * 365.25 / 336
        when 'monthly' then streams.usual_amount
        when 'quarterly' then streams.usual_amount / 3
        when 'yearly' then streams.usual_amount / 12
    end, 2)::numeric(28, 8) as monthly_amount,
    streams.occurrences,
    streams.missed,
    streams.confidence,
    streams.last_transaction_id,
    streams.found_at
from streams
inner join accounts
    on streams.account_id = accounts.account_id
left join domains
    on streams.merchant_key = domains.merchant_key
