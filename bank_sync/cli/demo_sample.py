"""What an analyst would ask first, and the answer.

Belongs here: one query over the marts. Does not belong here: the figures of the ledger (`demo_figures`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL, text

from bank_sync.storage.database import make_engine, transaction

SAMPLE_QUERY = """\
select currency, coalesce(category_primary, '(not sure)') as category,
       count(*) as payments, -sum(amount) as spent
from analytics.fct_transactions
where direction = 'outflow' and not is_transfer and booked_on > current_date - 90
group by 1, 2
order by currency, spent desc"""
"""Spending by category over the last 90 days; currencies are never added up."""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """Columns and rows of the sample query, and the role that asked it."""

    role: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def ask_sample(url: URL, role: str) -> SampleResult:
    """Run the sample query; `url` is where `role` may log in.

    Raises:
        DatabaseError: the marts are not there, or not for this role.
    """
    engine = make_engine(url)
    try:
        with transaction(engine) as db:
            result = db.execute(text(SAMPLE_QUERY))
            return SampleResult(role, tuple(result.keys()), tuple(tuple(row) for row in result))
    finally:
        engine.dispose()
