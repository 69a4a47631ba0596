"""One whole sync of a scripted person's connection, as every test of this folder runs it.

Belongs here: linking, moving the world, syncing, comparing. Does not belong here: anything about faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from bank_sync.domain.errors import ProviderError
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.sync import whole
from bank_sync.sync.onboarding import finish_link
from bank_sync_tests.conftest import LINKS
from bank_sync_tests.faults import checks
from bank_sync_tests.stateful.bank import Bank

PROVIDERS = ("plaid", "teller", "gocardless")
FIRST_CALL = {"plaid": "/accounts/get$", "teller": "/teller/accounts$", "gocardless": "/requisitions/"}
"""The call a sync begins with, as a fault plan names it."""
TRANSACTIONS = {
    "plaid": "/transactions/sync$",
    "teller": "/teller/accounts/.*/transactions$",
    "gocardless": "/accounts/.*/transactions/$",
}
"""The calls that bring transactions."""


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

    def tries(self) -> ProviderError | None:
        """A sync; gives the error if it does not go through."""
        try:
            self.sync()
        except ProviderError as error:
            return error
        return None

    def fails(self) -> ProviderError:
        """A sync that does not go through; gives the error."""
        error = self.tries()
        assert error is not None, "the sync went through"
        return error

    def faults(self, *queued: Mapping[str, object]) -> None:
        """These faults come next."""
        self.bank.plan_faults({"next": list(queued)})

    def one(self, query: str) -> Any:
        """The single value of a query in which :id is the connection."""
        with self.services.engine.connect() as db:
            return db.execute(text(query), {"id": self.connection_id}).scalar_one_or_none()

    def rounds(self) -> tuple[int, str | None]:
        """How many rounds of transactions are stored, and the cursor."""
        stored = self.one(
            "SELECT count(*) FROM raw.rounds WHERE connection_id = :id AND part = 'transactions'"
        )
        return int(stored), self.one("SELECT cursor FROM raw.cursors WHERE connection_id = :id")

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

    def news(self) -> None:
        """One new row in each account at the bank."""
        for account in self.accounts():
            self.spend(account, "-12.34", description="NEWS")

    def leftovers(self) -> list[str]:
        """In what cursor, rounds and ledger do not agree with each other."""
        provider = self.services.provider(self.provider)
        with self.services.engine.connect() as db:
            return checks.right_after(db, provider, self.connection_id)

    def differences(self) -> list[str]:
        """In what the ledger is not the world, or waits for something."""
        with self.services.engine.connect() as db:
            return checks.equals_world(db, self.connection_id, self.world())


def person_at(services: Services, sandbox: RunningSandbox, bank: Bank, provider: str, name: str) -> Person:
    """Link a scripted person's bank; nothing is synced yet."""
    proof = LINKS[provider](services, sandbox, name)
    connection_id = finish_link(services, provider, user_reference=f"{name} of {sandbox.url}", proof=proof)
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, connection).secret
    return Person(services, bank, provider, token, connection_id)
