"""The last details read of accounts whose details cost a call of a daily quota.

Belongs here: `bank.account_details`. Does not belong here: what the details mean (each provider reads its
own). They are kept beside the raw pages because a page is made of them on days on which they are not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from bank_sync.storage.database import transaction
from bank_sync.storage.tables import account_details


class AccountDetails:
    """Details by connection and account, written outside of any transaction of the caller.

    Args:
        engine: not the one whose transactions are long; `storage.database.side_engine`.
        clock: the time in UTC.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def read(self, connection_id: str, provider_account_id: str) -> tuple[str, datetime] | None:
        """The body and when it was read; None when it never was."""
        query = select(account_details.c.body, account_details.c.read_at).where(
            account_details.c.connection_id == connection_id,
            account_details.c.provider_account_id == provider_account_id,
        )
        with transaction(self._engine) as db:
            row = db.execute(query).one_or_none()
        return None if row is None else (row.body, row.read_at)

    def keep(self, connection_id: str, provider_account_id: str, body: str) -> None:
        """Store a minimised body, in place of an earlier one."""
        values = {"body": body, "read_at": self._clock()}
        statement = insert(account_details).values(
            connection_id=connection_id, provider_account_id=provider_account_id, **values
        )
        index = ["connection_id", "provider_account_id"]
        with transaction(self._engine) as db:
            db.execute(statement.on_conflict_do_update(index_elements=index, set_=values))
