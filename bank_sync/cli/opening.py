"""What commands open before they work: settings, a migrated database, services.

Belongs here: the few lines that most commands begin with. Does not belong here: commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate


@contextmanager
def ready_services() -> Iterator[Services]:
    """Services over a database that exists and is up to date.

    An embedded database is brought up to date by itself; an own server is migrated by `bank-sync db migrate`.
    """
    settings = load_settings()
    locations = locate(settings)
    if locations.embedded:
        migrate(locations)
    with open_services(settings) as services:
        yield services
