"""The Great Expectations suite over a connection's live transactions.

Belongs here: expectations about the values of columns. Does not belong here: rules across rows and tables
(`quality.invariants`). Great Expectations takes seconds to import, so it is imported inside the function and
only when there are rows to look at. Results are reduced to counts: never the unexpected values themselves.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    import pandas as pd

_one_at_a_time = threading.Lock()

_MOST_ROWS = 50_000  # the newest rows; older ones were looked at when they were new

_ROWS = """
SELECT t.transaction_id, t.posting, t.amount::float8 AS amount, t.currency, t.booked_on, t.description,
    c.confidence::float8 AS confidence, c.source AS category_source
FROM bank.transactions AS t
LEFT JOIN bank.transaction_categories AS c ON c.transaction_id = t.transaction_id AND c.replaced_at IS NULL
WHERE t.connection_id = :connection_id AND t.removed_at IS NULL AND t.superseded_by IS NULL
ORDER BY t.changed_at DESC, t.transaction_id LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """Rows looked at and, by expectation, how many of them were unexpected."""

    rows: int
    expectations: int
    unexpected: dict[str, int]

    @property
    def passed(self) -> bool:
        """True when every expectation holds."""
        return not self.unexpected


def state_of(db: Connection, connection_id: str) -> str:
    """Changes whenever a row or a category that the suite looks at does: what passed passes until then."""
    row = db.execute(text(_STATE), {"connection_id": connection_id}).one()
    return f"{_SUITE_VERSION}/{row.rows}/{row.versions}/{row.changed_at}/{row.category_id}"


_SUITE_VERSION = 1  # raised with every change of the expectations

_STATE = """
SELECT count(*) AS rows, sum(t.version) AS versions, max(t.changed_at) AS changed_at,
    max(c.category_id) AS category_id
FROM bank.transactions AS t
LEFT JOIN bank.transaction_categories AS c ON c.transaction_id = t.transaction_id AND c.replaced_at IS NULL
WHERE t.connection_id = :connection_id AND t.removed_at IS NULL AND t.superseded_by IS NULL
"""


def validate_transactions(db: Connection, connection_id: str) -> SuiteResult:
    """Validate the newest live transactions of a connection."""
    rows = db.execute(text(_ROWS), {"connection_id": connection_id, "limit": _MOST_ROWS}).mappings().all()
    if not rows:
        return SuiteResult(0, 0, {})
    import pandas as pd

    return _validate(pd.DataFrame([dict(row) for row in rows]))


def _validate(frame: pd.DataFrame) -> SuiteResult:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # nothing leaves the machine
    import great_expectations as gx

    with _one_at_a_time:  # great-expectations promises nothing about threads
        suite = gx.ExpectationSuite(name="transactions", expectations=_expectations())
        batch = _batches().get_batch(batch_parameters={"dataframe": frame})
        shown = {"result_format": "BASIC", "partial_unexpected_count": 0}
        result = batch.validate(suite, result_format=shown)
    unexpected = {_name(one): _count(one, len(frame)) for one in result.results if not one.success}
    return SuiteResult(len(frame), len(result.results), unexpected)


@cache
def _batches() -> Any:
    """Made once: each context costs time and leaves folders behind."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("ledger")
    return source.add_dataframe_asset("transactions").add_batch_definition_whole_dataframe("live")


def _expectations() -> list[Any]:
    import great_expectations.expectations as gxe

    required = ("transaction_id", "amount", "currency", "booked_on", "posting", "category_source")
    return [
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in required),
        gxe.ExpectColumnValuesToBeUnique(column="transaction_id"),
        gxe.ExpectColumnValuesToMatchRegex(column="currency", regex="^[A-Z]{3}$"),
        gxe.ExpectColumnValuesToBeInSet(column="posting", value_set=["pending", "posted"]),
        gxe.ExpectColumnValuesToBeBetween(column="confidence", min_value=0, max_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="amount", min_value=-1e12, max_value=1e12),
        gxe.ExpectColumnValueLengthsToBeBetween(column="description", max_value=4_000),
    ]


def _name(result: Any) -> str:
    config = result.expectation_config
    return f"{config.type}({config.kwargs.get('column')})"


def _count(result: Any, rows: int) -> int:
    """Unexpected rows; an expectation that could not be evaluated counts all rows."""
    return int(result.result.get("unexpected_count", rows))
