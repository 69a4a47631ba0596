"""Whose turn it is to sync a connection.

Belongs here: taking and giving back the lease around a part of a sync. Does not belong here: the lease's row
(`storage.leases`), syncs that lost their worker (`sync.recovery`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ulid import ULID

from bank_sync.domain.errors import SyncBusy
from bank_sync.domain.models import SyncState
from bank_sync.services import Services
from bank_sync.storage import leases
from bank_sync.storage.database import transaction


@contextmanager
def turn(
    services: Services, connection_id: str, run_id: str | None, *, begins: bool = False
) -> Iterator[str]:
    """Hold the connection's lease; a sync that `begins` with a run_id keeps it until it is finished.

    Gives the holder's name.

    Raises:
        SyncBusy: another holder's lease is running.
    """
    holder = run_id or f"call_{ULID()}"
    now = services.clock()
    with transaction(services.engine) as db:
        lease = leases.find(db, connection_id)
        is_ours_already = lease.holder == holder
        begun = {"sync_state": SyncState.IN_PROGRESS} if begins else {}
        if (begins or not lease.is_fresh(holder, now)) and not leases.take(
            db, connection_id, holder, now=now, **begun
        ):
            raise SyncBusy(
                f"Another sync of {connection_id} is running; this one did nothing. If its worker is gone, "
                f"the connection is free again at {lease.until or now:%Y-%m-%d %H:%M:%S %Z}."
            )
    keeps = False
    try:
        yield holder
        keeps = is_ours_already or (begins and run_id is not None)
    finally:
        if not keeps:
            with transaction(services.engine) as db:
                leases.give_back(db, connection_id, holder)
