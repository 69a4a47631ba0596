"""F18 to F24: what the network and a provider's server can do to a sync, at each provider in turn.

Belongs here: the whole way from the wire to the ledger. Does not belong here: the HTTP client alone
(`providers/test_http.py`), answers by script (`providers/test_rounds.py`).

After each fault the ledger is as it was, and once the fault is gone the next sync brings it up to date.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.plaid import client as plaid
from bank_sync.providers.plaid.errors import refusal
from bank_sync.providers.teller import client as teller
from bank_sync.services import Services
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.conftest import clients
from bank_sync_tests.faults.syncing import FIRST_CALL, PROVIDERS, TRANSACTIONS, Person
from bank_sync_tests.providers.certificates import self_signed

_WEEK = timedelta(days=7)


@pytest.fixture(params=PROVIDERS)
def someone(request: pytest.FixtureRequest, person: Callable[..., Person], waits: list[float]) -> Person:
    """A person at each provider in turn, synced, with a new row in each account waiting at the bank."""
    linked = person(request.param)
    linked.sync()
    linked.news()
    return linked


def recovers(someone: Person, clock: Clock) -> None:
    """Once all is well again, what was missed is there."""
    someone.bank.clear_faults()
    clock.advance(days=2)  # calls whose outcome is unknown count against a GoCardless day and a little more
    someone.sync()
    assert someone.differences() == []


@pytest.mark.parametrize("retry_after", ["5", "1000000000", "-3", None, "a date", "soon"])
def test_f18_retry_after(retry_after: str | None, someone: Person, clock: Clock, waits: list[float]) -> None:
    """Seconds are waited for, hours end the sync with an appointment; nonsense is a short pause."""
    if retry_after == "a date":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    named = {} if retry_after is None else {"retry_after": retry_after}
    someone.faults({"kind": "http_429", "paths": FIRST_CALL[someone.provider], "times": 1, **named})
    before = someone.rounds()
    error = someone.tries()
    if error is None:
        assert someone.differences() == []
    else:
        assert error.is_transient
        assert someone.rounds()[1] == before[1]
        due_at = someone.one("SELECT next_sync_at FROM bank.connections WHERE connection_id = :id")
        assert clock() < due_at <= clock() + _WEEK
    assert sum(waits) <= 15
    assert 5.0 in waits or retry_after != "5"
    recovers(someone, clock)


@pytest.mark.parametrize("kind", ["http_500", "http_502", "http_503", "http_504"])
def test_f19_burst(kind: str, someone: Person, clock: Clock, waits: list[float]) -> None:
    """Two in a row are outwaited with growing pauses; a lasting one ends the sync after a few tries."""
    where = TRANSACTIONS[someone.provider]
    someone.faults({"kind": kind, "paths": where, "times": 2})
    someone.tries()
    if someone.provider != "gocardless":  # there a try that may have cost one of a day's four is the last
        assert someone.differences() == []
        assert len(waits) == 2
        assert waits[0] < waits[1]
    recovers(someone, clock)
    someone.news()
    before = someone.rounds()
    struck = someone.bank.faults()[kind]
    someone.faults({"kind": kind, "paths": where, "times": 1000})
    assert someone.fails().is_transient
    assert someone.rounds() == before
    assert someone.bank.faults()[kind] - struck <= 3 * len(someone.accounts())
    recovers(someone, clock)


@pytest.mark.parametrize("kind", ["refuse", "reset"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_f20_lost_connection(kind: str, when: str, someone: Person, clock: Clock) -> None:
    """Closed without an answer or in the middle of it, once or for long: tried again, then another time."""
    fault = {"kind": kind, "paths": TRANSACTIONS[someone.provider], "when": when}
    someone.faults({**fault, "times": 1})
    someone.tries()
    assert someone.provider == "gocardless" or someone.differences() == []  # it may have cost a call
    recovers(someone, clock)
    someone.news()
    before = someone.rounds()
    someone.faults({**fault, "times": 1000})
    error = someone.fails()
    assert (error.code, error.is_transient) == ("connection_lost", True)
    assert someone.rounds() == before
    recovers(someone, clock)


def test_f20_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage like any other: it is tried again."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    pauses: list[float] = []
    with (
        ProviderHttp("plaid", "https://bank.invalid", sleep=pauses.append) as http,
        pytest.raises(ProviderError) as failed,
    ):
        http.call("POST", "/accounts/get", refusal=refusal)
    assert (failed.value.code, failed.value.is_transient, len(pauses)) == ("connect_failed", True, 2)


def test_f20_certificate_of_a_stranger(tmp_path: Path) -> None:
    """A server that cannot prove who it is gets no request, and the operator is told: it is no outage."""
    pauses: list[float] = []
    with (
        stranger(tmp_path) as (url, received),
        ProviderHttp("plaid", url, sleep=pauses.append) as http,
        pytest.raises(ProviderError) as failed,
    ):
        http.call("POST", "/accounts/get", refusal=refusal)
    assert (failed.value.code, failed.value.recovery) == ("tls_failed", Recovery.OPERATOR)
    assert (received, pauses) == ([], [])


@contextmanager
def stranger(home: Path) -> Iterator[tuple[str, list[bytes]]]:
    """A TLS server on this machine with a certificate nobody vouches for; gives its URL and what it read."""
    listening, received = socket.create_server(("127.0.0.1", 0)), list[bytes]()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(home))

    def serve() -> None:
        connection, _ = listening.accept()
        with (
            connection,
            suppress(ssl.SSLError, OSError),
            context.wrap_socket(connection, server_side=True) as secured,
        ):
            received.append(secured.recv(1000))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with closing(listening):
        yield f"https://127.0.0.1:{listening.getsockname()[1]}", received
        thread.join(5)


def test_f21_dripped(someone: Person, services: Services, clock: Clock) -> None:
    """A body that comes byte by byte ends at the deadline of the whole call."""
    deadlines = [client._deadline_s for client in clients(services)]
    for client in clients(services):
        client._deadline_s = 0.2
    before = someone.rounds()
    someone.faults({"kind": "dripped", "paths": TRANSACTIONS[someone.provider], "delay_s": 0.05, "times": 99})
    error = someone.fails()
    assert (error.code, error.is_transient) == ("timeout", True)
    assert someone.rounds() == before
    for client, deadline_s in zip(clients(services), deadlines, strict=True):
        client._deadline_s = deadline_s
    recovers(someone, clock)


@pytest.mark.parametrize("kind", ["truncated_json", "html_200", "wrong_charset", "duplicate_keys", "huge"])
def test_f22_answer_that_is_none(kind: str, someone: Person, services: Services, clock: Clock) -> None:
    """Cut, HTML, other letters, one key twice, too large: the contract is broken, nothing is written."""
    if kind == "huge":
        for client in clients(services):
            client._byte_cap = 100_000
    before = someone.rounds()
    fault = {"kind": kind, "paths": TRANSACTIONS[someone.provider], "times": 1000}
    someone.faults({**fault, **({"size_bytes": 300_000} if kind == "huge" else {})})
    error = someone.fails()
    assert error.code.startswith("contract_broken:")
    assert error.is_transient
    assert someone.rounds() == before
    assert someone.bank.faults()[kind] <= len(someone.accounts())  # not worth a second try
    recovers(someone, clock)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two rows, and few of them."""
    monkeypatch.setattr(plaid, "_ROWS_PER_PAGE", 2)
    monkeypatch.setattr(plaid, "_MOST_PAGES", 30)
    monkeypatch.setattr(teller, "_ROWS_PER_PAGE", 2)
    monkeypatch.setattr(teller, "_MOST_PAGES", 30)


@pytest.mark.usefixtures("small_pages", "waits")
@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5])  # each of them is met by it
def test_f23_mutation_at_any_page(seed: int, person: Callable[..., Person], clock: Clock) -> None:
    """Wherever and however often data changes under the pages, no cursor but a round's last one is kept."""
    someone = person("plaid")
    someone.sync()
    first = someone.accounts()[0]
    someone.tell("spend", account=first, amount="-3.00", count=9)
    plan = {"seed": seed, "rate": 0.35, "kinds": ["mutation"], "paths": TRANSACTIONS["plaid"]}
    someone.bank.plan_faults(plan)
    before = someone.rounds()
    while (error := someone.tries()) is not None:
        assert error.recovery is Recovery.RESTART_ROUND
        assert someone.rounds() == before
        clock.advance(days=1)
    assert someone.rounds()[0] == before[0] + 1
    assert someone.differences() == []
    assert someone.bank.faults()["mutation"] > 0


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("provider", ["plaid", "teller"])
@pytest.mark.parametrize("kind", ["repeated_cursor", "endless_pages"])
def test_f24_pages_that_lead_nowhere(
    kind: str, provider: str, person: Callable[..., Person], clock: Clock, waits: list[float]
) -> None:
    """A cursor that repeats or pages without end break the contract; the cap and the guard end the round."""
    someone = person(provider)
    someone.sync()
    for account in someone.accounts():
        someone.tell("spend", account=account, amount="-3.00", count=9)
    before = someone.rounds()
    someone.faults({"kind": kind, "paths": TRANSACTIONS[provider], "times": 1000})
    error = someone.fails()
    assert error.code == f"contract_broken:{kind}"
    assert isinstance(error, ContractBroken) or provider == "teller"  # there, an account's failure speaks
    assert someone.rounds() == before
    recovers(someone, clock)


@pytest.mark.usefixtures("small_pages")
def test_f24_empty_pages(person: Callable[..., Person], waits: list[float], clock: Clock) -> None:
    """An empty page in between loses nothing; empty pages for ever end the round."""
    someone = person("plaid")
    someone.sync()
    someone.tell("spend", account=someone.accounts()[0], amount="-3.00", count=9)
    someone.faults({"kind": "empty_pages", "paths": TRANSACTIONS["plaid"], "times": 1})
    someone.sync()
    assert someone.differences() == []
    someone.spend(someone.accounts()[0], "-1.00")
    before = someone.rounds()
    someone.bank.plan_faults({"seed": 1, "rate": 1.0, "kinds": ["empty_pages"]})
    assert someone.fails().code in {"contract_broken:endless_pages", "contract_broken:repeated_cursor"}
    assert someone.rounds() == before
    recovers(someone, clock)
