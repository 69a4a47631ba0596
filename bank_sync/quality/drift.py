"""Whether what people buy, and what can be said of it, moved away from what the model was made for.

Belongs here: newest rows against those of the half year before, over all connections. Does not belong here:
whether a category is right, which only people can say.

Rows are placed by their booking date, so that a first sync, which brings years at once, is no drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Connection, text

from bank_sync.quality.gate import Verdict
from bank_sync.services import Services
from bank_sync.storage.database import transaction

CATEGORY_DRIFT = "category_drift"

_RECENT_DAYS, _BEFORE_DAYS = 28, 168  # whole weeks: weekends weigh the same in both
_LEAST_ROWS = 200  # below that a share moves by several points for no reason
_MOST_ABSTAINED, _MOST_MIX, _MOST_UNSEEN = 0.05, 0.15, 0.10


def check_drift(services: Services) -> Verdict:
    """Share of rows without a category, mix of categories, and share of merchants nobody met before.

    Fails where the first or the last rose by more than 5 or 10 points, or more than 15 % of the rows went to
    other categories; passes where there are too few rows to tell, and says so.
    """
    today = services.clock().date()
    with transaction(services.engine) as db:
        recent = _mix(db, today, days=_RECENT_DAYS)
        before = _mix(db, today - timedelta(days=_RECENT_DAYS), days=_BEFORE_DAYS)
        unseen = _unseen(db, today)
        unseen_before = _unseen(db, today - timedelta(days=_RECENT_DAYS))
    figures: dict[str, object] = {"recent_rows": sum(recent.values()), "rows_before": sum(before.values())}
    if min(sum(recent.values()), sum(before.values())) < _LEAST_ROWS:
        return Verdict(CATEGORY_DRIFT, passed=True, details=figures)
    risen = _share(recent, None) - _share(before, None)
    moved = sum(abs(_share(recent, name) - _share(before, name)) for name in recent | before) / 2
    shares = {
        "abstained_before": _share(before, None),
        "abstained_now": _share(recent, None),
        "unseen_merchants_before": unseen_before,
        "unseen_merchants_now": unseen,
        "in_other_categories": moved,
    }
    passed = risen <= _MOST_ABSTAINED and moved <= _MOST_MIX and unseen - unseen_before <= _MOST_UNSEEN
    return Verdict(CATEGORY_DRIFT, passed, figures | {"shares": _rounded(shares)})


def in_words(verdict: Verdict) -> str:
    """What a verdict on drift says, with what would be too much; counts and shares only."""
    rows, before = verdict.details["recent_rows"], verdict.details["rows_before"]
    shares = verdict.details.get("shares")
    if not isinstance(shares, dict):
        return (
            f"Too few rows to tell: {rows:,} of the last {_RECENT_DAYS} days and {before:,} of the half year "
            f"before; {_LEAST_ROWS} of each are needed."
        )
    abstained, unseen = (
        f"{shares[f'{name}_now']:.1%}, before {shares[f'{name}_before']:.1%} ({most:.0%} more is too much)"
        for name, most in (("abstained", _MOST_ABSTAINED), ("unseen_merchants", _MOST_UNSEEN))
    )
    moved = f"{shares['in_other_categories']:.1%} ({_MOST_MIX:.0%} is too much)"
    return (
        f"Of {rows:,} new rows without a category: {abstained}. In other categories than before: {moved}. "
        f"With a merchant that nobody met before: {unseen}."
    )


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in shares.items()}


def _share(mix: Mapping[str | None, int], name: str | None) -> float:
    return mix.get(name, 0) / sum(mix.values())


def _mix(db: Connection, until: date, *, days: int) -> dict[str | None, int]:
    """How many live rows of the days up to `until` have each category, None for those without."""
    rows = db.execute(text(_MIX), {"since": until - timedelta(days=days), "until": until})
    return {row.category: row.times for row in rows}


def _unseen(db: Connection, until: date) -> float:
    """The share of the newest rows whose merchant does not occur in the half year before."""
    since = until - timedelta(days=_RECENT_DAYS)
    times = {"before": since - timedelta(days=_BEFORE_DAYS), "since": since, "until": until}
    return float(db.execute(text(_UNSEEN), times).scalar() or 0)


_LIVE = """
FROM bank.transactions AS t
JOIN bank.transaction_categories AS c ON c.transaction_id = t.transaction_id AND c.replaced_at IS NULL
WHERE t.removed_at IS NULL AND t.superseded_by IS NULL
"""

_MIX = f"""
SELECT c.category_primary AS category, count(*) AS times {_LIVE}
AND t.booked_on > :since AND t.booked_on <= :until GROUP BY 1
"""

_UNSEEN = f"""
WITH met AS (
    SELECT DISTINCT c.merchant_key {_LIVE}
    AND c.merchant_key IS NOT NULL AND t.booked_on > :before AND t.booked_on <= :since
), newest AS (
    SELECT c.merchant_key {_LIVE}
    AND c.merchant_key IS NOT NULL AND t.booked_on > :since AND t.booked_on <= :until
)
SELECT avg((met.merchant_key IS NULL)::int) FROM newest LEFT JOIN met USING (merchant_key)
"""
