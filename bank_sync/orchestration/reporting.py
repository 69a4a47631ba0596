"""From what the library returns to what Dagster shows.

Belongs here: errors as `Failure`s, table schemas, Markdown previews. Does not belong here: anything that
decides or stores. Nothing here shows a person's data: counts, ids and codes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from sqlalchemy import Table

from bank_sync.domain.errors import BankSyncError, CursorMoved, ProviderError
from bank_sync.domain.models import AskedBy
from bank_sync.orchestration.partitions import ASKED_FOR, KIND_TAG
from bank_sync.sync.engine import Pulled
from bank_sync.sync.parts import Projected
from bank_sync.sync.progress import OnProgress


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn our errors into a Dagster failure that says what to do; only passing trouble is retried.

    Raises:
        dagster.Failure: in place of any `BankSyncError`, without the original's cause.
    """
    try:
        yield
    except ProviderError as error:
        metadata: dict[str, str | int] = {
            "provider": error.provider,
            "code": error.code,
            "recovery": error.recovery.value,
        }
        if error.http_status is not None:
            metadata["http_status"] = error.http_status
        raise dg.Failure(str(error), metadata=metadata, allow_retries=error.is_transient) from None
    except BankSyncError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, CursorMoved)) from None
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
        # a step with a retry policy would otherwise answer a cancelled run by beginning again
        raise dg.Failure("The run was cancelled.", allow_retries=False) from None


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


def pulled(result: Pulled) -> dict[str, dg.MetadataValue]:
    """Metadata of a committed round."""
    found: dict[str, dg.MetadataValue] = {
        "round_id": dg.MetadataValue.int(result.round_id),
        "pages": dg.MetadataValue.int(result.pages),
        "accounts_failed": dg.MetadataValue.int(len(result.failures)),
    }
    if result.failures:
        found["failures"] = dg.MetadataValue.md(
            table({failure.code: failure.recovery for failure in result.failures}, ("code", "recovery"))
        )
    return found


def projected(result: Projected) -> dict[str, dg.MetadataValue]:
    """Metadata of a projection."""
    return {
        "rounds": dg.MetadataValue.int(result.rounds),
        "rows_read": dg.MetadataValue.int(result.read),
        "rows_new": dg.MetadataValue.int(result.new),
        "rows_changed": dg.MetadataValue.int(result.changed),
        "rows_removed": dg.MetadataValue.int(result.removed),
        "rows_quarantined": dg.MetadataValue.int(result.quarantined),
        "rounds_held": dg.MetadataValue.int(result.held),
    }


def table(rows: Mapping[str, object], header: tuple[str, str]) -> str:
    """A two-column Markdown table."""
    lines = [f"| {header[0]} | {header[1]} |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {key} | {value} |" for key, value in rows.items())])


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
