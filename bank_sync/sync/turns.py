"""Whose turn it is to sync a connection.

Belongs here: taking and giving back the lease around a part of a sync. Does not belong here: the lease's row
(`storage.leases`), syncs that lost their worker (`sync.recovery`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ulid import ULID

from bank_sync.domain.errors import SyncBusy
from bank_sync.services import Services
from bank_sync.storage import connections, leases
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
    with transaction(services.engine) as db:
        is_ours_already = leases.is_held(db, connection_id, holder)
        if not leases.take(db, connection_id, holder, now=services.clock()):
            until = leases.ends_at(db, connection_id) or services.clock()
            raise SyncBusy(
                f"Another sync of {connection_id} is running; this one did nothing. If its worker is gone, "
                f"the connection is free again at {until:%Y-%m-%d %H:%M:%S %Z}."
            )
        if begins:
            connections.mark_in_progress(db, connection_id)
    keeps = False
    try:
        yield holder
        keeps = is_ours_already or (begins and run_id is not None)
    finally:
        if not keeps:
            with transaction(services.engine) as db:
                leases.give_back(db, connection_id, holder)
