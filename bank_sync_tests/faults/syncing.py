"""One whole sync of a scripted person's connection, as every test of this folder runs it.

Belongs here: linking, moving the world, syncing, comparing. Does not belong here: anything about faults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.sync import whole
from bank_sync_tests.faults import checks
from bank_sync_tests.stateful.bank import Bank

PROVIDERS = ("plaid", "teller", "gocardless")


def whole_sync(services: Services, connection_id: str, run_id: str | None = None) -> None:
    """Every part of a sync of one connection, in order."""
    whole.sync_connection(services, connection_id, run_id=run_id)


@dataclass(frozen=True, slots=True)
class Person:
    """A person whose movements are all made by command, and their one connection."""

    services: Services
    bank: Bank
    provider: str
    token: str
    connection_id: str

    def sync(self) -> None:
        """One whole sync."""
        whole_sync(self.services, self.connection_id)

    def accounts(self) -> list[str]:
        """The provider's ids of the accounts, in the bank's order."""
        return [str(account["provider_account_id"]) for account in self.world()]

    def world(self) -> list[dict[str, Any]]:
        """What is true at the bank now."""
        return self.bank.truth(self.provider, self.token)

    def tell(self, op: str, **values: object) -> dict[str, Any]:
        """One command to the bank."""
        return self.bank.command(self.provider, self.token, op, **values)

    def spend(self, account: str, amount: str, **values: object) -> str:
        """One movement; gives its name."""
        return str(self.tell("spend", account=account, amount=amount, **values)["movement"])

    def differences(self) -> list[str]:
        """In what the ledger is not the world, or waits for something."""
        with self.services.engine.connect() as db:
            return checks.equals_world(db, self.connection_id, self.world())


Link = Callable[..., str]


def person_at(services: Services, bank: Bank, link: Link, provider: str, name: str = "script-1") -> Person:
    """Link a scripted person's bank; nothing is synced yet."""
    connection_id = link(provider, name)
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, connection).secret
    return Person(services, bank, provider, token, connection_id)
