"""One whole sync of a connection, without Dagster.

Belongs here: the order of the parts, and that one part's failure leaves the others standing. Does not belong
here: the parts themselves (`sync.engine`, `sync.project`).
"""

from __future__ import annotations

from ulid import ULID

from bank_sync.domain.errors import ProviderError
from bank_sync.domain.models import AskedBy
from bank_sync.services import Services
from bank_sync.storage import leases
from bank_sync.storage.database import transaction
from bank_sync.sync import engine, enrich, project, reconcile
from bank_sync.sync.parts import Projected


def sync_connection(
    services: Services,
    connection_id: str,
    *,
    run_id: str | None = None,
    asked_by: AskedBy = AskedBy.SCHEDULE,
) -> Projected:
    """Pull and project everything, link, categorize; returns what happened to transactions.

    What was fetched is kept whatever else failed: the first failure is raised at the end.

    Raises:
        ProviderError: a part could not be read; it is noted on the connection.
        SyncBusy: another worker syncs this connection.
    """
    own_id = run_id or f"sync_{ULID()}"
    failure: ProviderError | None = None
    try:
        engine.pull_accounts(services, connection_id, run_id=own_id, asked_by=asked_by)
        project.project_accounts(services, connection_id)
        for pull in (engine.pull_transactions, engine.pull_balances):
            try:
                pull(services, connection_id, run_id=own_id, asked_by=asked_by)
            except ProviderError as error:
                failure = failure or error
        projected = _digest(services, connection_id)
        if failure is None:
            engine.finish_sync(services, connection_id, run_id=own_id)
    finally:
        with transaction(services.engine) as db:
            leases.give_back(db, connection_id, own_id)
    if failure is not None:
        raise failure
    return projected


def _digest(services: Services, connection_id: str) -> Projected:
    """Everything that needs no provider."""
    projected = project.project_transactions(services, connection_id)
    project.project_balances(services, connection_id)
    project.link_transactions(services, connection_id)
    reconcile.reconcile_connection(services, connection_id)
    enrich.categorize_connection(services, connection_id)
    return projected
