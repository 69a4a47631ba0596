-- a row that replaced another one shows the other one's edits until it gets its own
with recursive overlays as (
    select * from {{ ref('stg_bank__transaction_overlays') }}
),

replacements as (
    select
        case
            when link_kind = 'split_part' then to_transaction_id
            else from_transaction_id
        end as replaced_id,
        case
            when link_kind = 'split_part' then from_transaction_id
            else to_transaction_id
        end as replacing_id
    from {{ ref('stg_bank__transaction_links') }}
    where
        link_kind in ('pending_posted', 'split_part', 'duplicate')
        and link_state = 'accepted'
        and undone_at is null
),

shown as (
    select
        transaction_id as shown_on_id,
        transaction_id as made_on_id,
        0 as steps
    from overlays
    union all
    select
        replacements.replacing_id as shown_on_id,
        shown.made_on_id,
        shown.steps + 1 as steps
    from shown
    inner join replacements
        on shown.shown_on_id = replacements.replaced_id
    where shown.steps < 4
),

nearest as (
    select
        shown.shown_on_id as transaction_id,
        overlays.category_primary,
        overlays.category_detailed,
        overlays.note,
        overlays.is_hidden,
        overlays.changed_at,
        row_number() over (
            partition by shown.shown_on_id
            order by shown.steps asc, overlays.changed_at desc, shown.made_on_id asc
        ) as nearest_first
    from shown
    inner join overlays
        on shown.made_on_id = overlays.transaction_id
)

select
    transaction_id,
    category_primary,
    category_detailed,
    note,
    is_hidden,
    changed_at
from nearest
where nearest_first = 1
