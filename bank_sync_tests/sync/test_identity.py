"""Which stored row a told row is: new ids, changing ids, positions for ids, contradictions, mass removals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import text

from bank_sync.domain.models import KeyBasis
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.sync import project
from bank_sync.sync.identity import basis_by_evidence
from bank_sync.sync.steps import Figure
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import PROVIDERS, assert_equal

WINDOWS = ("teller", "gocardless")


@dataclass(frozen=True)
class Bank:
    """One connection of a scripted person, and the bank's side of it."""

    services: Services
    sandbox: RunningSandbox
    clock: Clock
    provider: str
    connection_id: str

    def command(self, op: str, **more: object) -> dict[str, str]:
        """Have something happen at the bank."""
        with self.services.engine.connect() as db:
            stored = connections.get_connection(db, self.connection_id)
            token = connections.open_credential(db, self.services.cipher, stored).secret
        wish = {"provider": self.provider, "token": token, "op": op, **more}
        answer = httpx.post(f"{self.sandbox.url}/_sandbox/book", json=wish)
        result: dict[str, str] = answer.raise_for_status().json()
        return result

    def account(self) -> str:
        """The provider's id of the first account."""
        query = "SELECT provider_account_id FROM bank.accounts ORDER BY account_id LIMIT 1"
        with self.services.engine.connect() as db:
            return str(db.execute(text(query)).scalar_one())

    def sync(self) -> dict[str, Figure]:
        """A day later, sync and compare with the bank's books."""
        self.clock.advance(hours=25)
        result = sync_connection(self.services, self.connection_id)
        assert_equal(self.services, self.sandbox, self.connection_id)
        return result.figures("normalized_transactions")

    def live(self) -> set[tuple[str, str]]:
        """(transaction_id, description) of the live rows."""
        query = "SELECT transaction_id, description FROM bank.transactions WHERE removed_at IS NULL"
        with self.services.engine.connect() as db:
            return {(row[0], row[1]) for row in db.execute(text(query))}


@pytest.fixture
def bank(
    services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> Callable[[str], Bank]:
    """A scripted person's connection with eight synced rows, two of them twins."""

    def opened(provider: str) -> Bank:
        one = Bank(services, sandbox, clock, provider, link(provider, "script"))
        one.sync()
        account = one.account()
        for number in range(6):
            one.command("spend", account=account, amount=f"-{number + 3}.50", description=f"SHOP {number}")
        one.command("spend", account=account, amount="-2.20", description="COFFEE", count=2)
        one.sync()
        assert len(one.live()) == 8
        return one

    return opened


@pytest.mark.parametrize("provider", PROVIDERS)
def test_all_ids_change_once(provider: str, bank: Callable[[str], Bank]) -> None:
    """Rows told under new ids are the rows they were; the twins stay two."""
    one = bank(provider)
    before = one.live()
    one.command("churn", account=one.account())
    assert (one.sync()["rows_new"], one.live()) == (0, before)
    one.command("spend", account=one.account(), amount="-2.20", description="COFFEE")
    assert one.sync()["rows_new"] == 1
    assert one.live() > before


@pytest.mark.parametrize("provider", WINDOWS)
def test_ids_that_change_at_every_read(provider: str, bank: Callable[[str], Bank]) -> None:
    """After two such readings the account's rows are recognised by content; nothing is doubled meanwhile."""
    one = bank(provider)
    before = one.live()
    one.command("churn", account=one.account(), every_read=True)
    for _ in range(4):
        assert (one.sync()["rows_new"], one.live()) == (0, before)
    with one.services.engine.connect() as db:
        bases: list[str] = list(
            db.execute(text("SELECT key_basis FROM bank.accounts ORDER BY account_id")).scalars()
        )
    assert bases[0] == KeyBasis.CONTENT
    one.command("spend", account=one.account(), amount="-9.99", description="LATER")
    assert one.sync()["rows_new"] == 1


@pytest.mark.parametrize("provider", WINDOWS)
def test_positions_for_ids(provider: str, bank: Callable[[str], Bank]) -> None:
    """Ids that shift when a row comes in never move one row's content to another."""
    one = bank(provider)
    one.command("churn", account=one.account(), every_read=True, positional=True)
    before = one.live()
    one.sync()
    one.command("spend", account=one.account(), amount="-77.00", description="NEWEST")
    one.sync()
    assert {name for _, name in one.live() - before} == {"NEWEST"}
    assert before - one.live() == set()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_removed_and_restored(provider: str, bank: Callable[[str], Bank]) -> None:
    """A row the bank takes back is a tombstone, and itself again when the bank brings it back."""
    one = bank(provider)
    before = one.live()
    movement = one.command("spend", account=one.account(), amount="-5.55", description="GONE")["movement"]
    one.sync()
    with_it = one.live()
    one.command("remove", movement=movement)
    assert (one.sync()["rows_removed"], one.live()) == (1, before)
    one.command("restore", movement=movement)
    one.sync()
    assert one.live() == with_it


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nearly_everything_removed(provider: str, bank: Callable[[str], Bank]) -> None:
    """A round that takes nearly all rows away is held; it applies when a person lets it through."""
    one = bank(provider)
    before = one.live()
    movements = [f"s{number}" for number in range(1, 9)]
    for movement in movements:
        one.command("remove", movement=movement)
    one.clock.advance(hours=25)
    synced = sync_connection(one.services, one.connection_id)
    assert synced.figures("normalized_transactions")["rounds_held"] == 1
    assert one.live() == before
    (held,) = project.held_rounds(one.services, one.connection_id)
    project.release_round(one.services, held, by="operator")
    project.project_transactions(one.services, one.connection_id)
    assert one.live() == set()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_held_round_taken_back(provider: str, bank: Callable[[str], Bank]) -> None:
    """When the bank brings the rows back, the held rounds pass by themselves and no row was touched."""
    one = bank(provider)
    before = one.live()
    movements = [f"s{number}" for number in range(1, 9)]
    for movement in movements:
        one.command("remove", movement=movement)
    one.clock.advance(hours=25)
    sync_connection(one.services, one.connection_id)
    for movement in movements:
        one.command("restore", movement=movement)
    one.sync()
    assert one.live() == before
    assert project.held_rounds(one.services, one.connection_id) == []


def test_lost_cursor(bank: Callable[[str], Bank]) -> None:
    """Everything is read again and compared: what vanished meanwhile goes, nothing is doubled."""
    one = bank("plaid")
    before = one.live()
    one.command("remove", movement="s3")
    one.command("lose_cursor")
    assert one.sync()["rows_new"] == 0
    assert len(before - one.live()) == 1
    assert one.live() < before


def test_data_that_changes_while_it_is_paged(bank: Callable[[str], Bank]) -> None:
    """The round starts again from its first cursor; too many changes leave it for the next sync."""
    one = bank("plaid")
    one.command("spend", account=one.account(), amount="-1.00", description="MANY", count=600)
    one.command("mutate_during_paging", times=2)
    assert one.sync()["rows_new"] == 600


@pytest.mark.parametrize(
    ("compared", "changed", "expected"),
    [
        (10, 0, KeyBasis.PROVIDER_ID),
        (10, 1, KeyBasis.PROVIDER_ID),
        (2, 2, KeyBasis.CONTENT),
        (8, 2, KeyBasis.CONTENT),
        (9, 2, KeyBasis.PROVIDER_ID),
    ],
)
def test_evidence_against_ids(compared: int, changed: int, expected: KeyBasis) -> None:
    """One renewal of all ids is forgiven, a habit is not."""
    assert basis_by_evidence(compared, changed) is expected
