"""Minute budgets in PostgreSQL, one for all processes and machines.

Belongs here: `bank.rate_budgets`. Does not belong here: what the limits are and waiting (`providers.budget`).

Each budget is one row with the theoretical arrival time of its next unit (the generic cell rate algorithm).
A unit is booked by one statement on the server's clock: the row's lock makes it exact, and clocks of workers
do not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, Engine, text

from bank_sync.storage.database import transaction


class Limit(Protocol):
    """What is read of a limit."""

    @property
    def key(self) -> str:
        """Names the budget."""

    @property
    def interval_s(self) -> float:
        """Seconds between units of the steady flow."""

    @property
    def tolerance_s(self) -> float:
        """How far ahead of the steady flow a burst may run."""


_TAKE = text(
    """
    WITH booked AS (
        INSERT INTO bank.rate_budgets AS budget (budget_key, arrival_at)
        VALUES (:key, coalesce(CAST(:now AS timestamptz), clock_timestamp()) + CAST(:interval AS interval))
        ON CONFLICT (budget_key) DO UPDATE
        SET arrival_at = greatest(budget.arrival_at, excluded.arrival_at - CAST(:interval AS interval))
            + CAST(:interval AS interval)
        WHERE budget.arrival_at
            <= excluded.arrival_at - CAST(:interval AS interval) + CAST(:reach AS interval)
        RETURNING arrival_at - CAST(:interval AS interval) AS arrival_at, true AS is_booked
    ),
    seen AS (
        SELECT arrival_at, is_booked FROM booked
        UNION ALL
        SELECT arrival_at, false FROM bank.rate_budgets
        WHERE budget_key = :key AND NOT EXISTS (SELECT FROM booked)
    )
    SELECT is_booked, extract(epoch FROM
        arrival_at - CAST(:tolerance AS interval)
        - coalesce(CAST(:now AS timestamptz), clock_timestamp())) AS wait_s
    FROM seen
    """
)
"""`excluded.arrival_at` less one interval is the one reading of the clock that the decision rests on."""


def forget_idle(db: Connection) -> None:
    """Delete budgets that nobody has used for a day: an idle one is like a new one."""
    db.execute(text("DELETE FROM bank.rate_budgets WHERE arrival_at < clock_timestamp() - interval '1 day'"))


class PostgresBudget:
    """Books units in `bank.rate_budgets`, outside of any transaction of the caller.

    Args:
        engine: not the one whose transactions are long; `storage.database.side_engine`.
        clock: in place of the server's, for simulations.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] | None = None) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._clock = clock

    def take(self, limit: Limit, *, longest_wait_s: float) -> float:
        """Book one unit; gives the seconds until it may be used.

        More than `longest_wait_s` means that nothing was booked.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        values = {
            "key": limit.key,
            "now": self._clock() if self._clock else None,
            "interval": timedelta(seconds=limit.interval_s),
            "tolerance": timedelta(seconds=limit.tolerance_s),
            "reach": timedelta(seconds=limit.tolerance_s + longest_wait_s),
        }
        with transaction(self._engine) as db:
            row = db.execute(_TAKE, values).one_or_none()
        if row is not None and row.is_booked:
            return min(max(0.0, float(row.wait_s)), longest_wait_s)
        # read from before the bookings of others, it may say less than what was refused just now
        wait_s = float(row.wait_s) if row is not None else 0.0
        return wait_s if wait_s > longest_wait_s else longest_wait_s + limit.interval_s
