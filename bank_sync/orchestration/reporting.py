"""From what the library returns to what Dagster shows.

Belongs here: errors as `Failure`s, table schemas, Markdown previews. Does not belong here: anything that
decides or stores. Nothing here shows a person's data: counts, ids and codes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import dagster as dg
from sqlalchemy import Table

from bank_sync.domain.errors import BankSyncError, CursorMoved, ProviderError, SyncBusy
from bank_sync.domain.models import AskedBy
from bank_sync.orchestration.partitions import ASKED_FOR, KIND_TAG
from bank_sync.quality.gate import Verdict
from bank_sync.sync.progress import OnProgress
from bank_sync.sync.steps import Check, Figure, Figures, Rows


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn our errors into a Dagster failure that says what to do; only passing trouble is retried.

    Raises:
        dagster.Failure: in place of any `BankSyncError`, without the original's cause.
    """
    try:
        yield
    except BankSyncError as error:
        raise failure(error) from None
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
        # a step with a retry policy would otherwise answer a cancelled run by beginning again
        raise dg.Failure("The run was cancelled.", allow_retries=False) from None


def failure(error: BankSyncError) -> dg.Failure:
    """What Dagster shows of an error; only passing trouble is tried again within the run."""
    if not isinstance(error, ProviderError):
        return dg.Failure(str(error), allow_retries=isinstance(error, CursorMoved | SyncBusy))
    shown: dict[str, str | int] = {
        "provider": error.provider,
        "code": error.code,
        "recovery": error.recovery.value,
    }
    if error.http_status is not None:
        shown["http_status"] = error.http_status
    return dg.Failure(str(error), metadata=shown, allow_retries=error.is_transient)


_AUTOMATIC = frozenset({"dagster/schedule_name", "dagster/sensor_name", "dagster/backfill"})


def asked_by(run: dg.DagsterRun) -> AskedBy:
    """A run that no schedule, sensor or backfill started was started by a person, who may use the reserve."""
    if run.tags.get(KIND_TAG) == ASKED_FOR:
        return AskedBy.PERSON
    return AskedBy.PERSON if _AUTOMATIC.isdisjoint(run.tags) else AskedBy.SCHEDULE


def progress_of(context: dg.AssetExecutionContext) -> OnProgress:
    """Tells how far a long step is, as observations of its asset: the UI and the command line show them."""

    def tell(pages: int, rows: int) -> None:
        figures = {"pages": pages} | ({"rows": rows} if rows else {})
        observed = dg.AssetObservation(context.asset_key, partition=context.partition_key, metadata=figures)
        context.log_event(observed)

    return tell


def metadata(figures: Figures) -> dict[str, dg.MetadataValue]:
    """What a step tells, as Dagster shows it."""
    return {name: _metadata_value(figure) for name, figure in figures.items()}


def _metadata_value(figure: Figure) -> dg.MetadataValue:
    if isinstance(figure, Rows):
        return dg.MetadataValue.md(_table(figure))
    if isinstance(figure, datetime):
        return dg.MetadataValue.timestamp(figure)
    return dg.MetadataValue.int(figure) if isinstance(figure, int) else dg.MetadataValue.text(figure)


def details(verdict: Verdict) -> dict[str, dg.MetadataValue]:
    """What a check found, as Dagster shows it."""
    return {
        name: dg.MetadataValue.json(value)
        if isinstance(value, dict | list)
        else dg.MetadataValue.int(int(str(value)))
        for name, value in verdict.details.items()
    }


def severity(check: Check) -> dg.AssetCheckSeverity:
    """A warning colours, an error counts as a failure."""
    return dg.AssetCheckSeverity.WARN if check.is_warning else dg.AssetCheckSeverity.ERROR


def _table(rows: Rows) -> str:
    """A two-column Markdown table."""
    lines = [f"| {rows.header[0]} | {rows.header[1]} |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {name} | {count} |" for name, count in rows.counts.items())])


def table_metadata(stored: Table) -> dict[str, object]:
    """Definition metadata of the table an asset fills: its name and column schema."""
    columns = [
        dg.TableColumn(
            name=column.name,
            type=str(column.type).lower(),
            description=column.comment,
            constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
        )
        for column in stored.columns
    ]
    return {
        "dagster/table_name": f"{stored.schema}.{stored.name}",
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "docs": dg.MetadataValue.path("docs/architecture.md"),
    }
