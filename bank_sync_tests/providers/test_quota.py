"""GoCardless' daily quota over a month, against pretend banks that count and refuse for themselves."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from bank_sync.domain.errors import ProviderError
from bank_sync.domain.models import (
    AccountFailure,
    AccountReference,
    AskedBy,
    Credential,
    DateWindow,
    Page,
    TransactionsRequest,
)
from bank_sync.domain.quota import CallOutcome, Reservation, Scope
from bank_sync.providers.gocardless.client import GoCardlessProvider
from bank_sync.providers.gocardless.quota import CallMeter
from bank_sync.providers.gocardless.token import OwnShelf
from bank_sync.providers.http import ProviderHttp
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import RunningSandbox, running_sandbox
from bank_sync.settings import Settings
from bank_sync.storage.account_details import AccountDetails
from bank_sync.storage.database import side_engine
from bank_sync.storage.locations import locate
from bank_sync.storage.quota import QuotaLedger
from bank_sync_tests.conftest import Clock
from bank_sync_tests.providers.local_server import Script, answer, serving

DAYS = 32
BANK = "SANDBOXFINANCE_SFIN0000"
FAULTS = ["http_429", "http_503", "http_502", "refuse", "reset", "truncated_json", "html_200"]


class Killed(BaseException):
    """The process ends here, as `kill -9` would: nothing else of it runs."""


class MortalLedger:
    """The ledger of a process that dies now and then, before the call or before its answer is noted."""

    def __init__(self, ledger: QuotaLedger, dice: random.Random) -> None:
        self._ledger = ledger
        self._dice = dice
        self.deaths: Counter[str] = Counter()

    def reserve(
        self, provider: str, provider_account_id: str, scope: Scope, asked_by: AskedBy
    ) -> Reservation:
        """Reserve, and perhaps die."""
        reservation = self._ledger.reserve(provider, provider_account_id, scope, asked_by)
        if reservation.call_id is not None:
            self._perhaps_die("reserved")
        return reservation

    def settle(
        self,
        call_id: int,
        outcome: CallOutcome,
        *,
        limit: int | None = None,
        remaining: int | None = None,
        refused_for_s: float | None = None,
    ) -> None:
        """Perhaps die, else settle."""
        self._perhaps_die("answered")
        self._ledger.settle(call_id, outcome, limit=limit, remaining=remaining, refused_for_s=refused_for_s)

    def _perhaps_die(self, where: str) -> None:
        if self._dice.random() < 0.03:
            self.deaths[where] += 1
            raise Killed


@pytest.fixture
def side(settings: Settings) -> Iterator[Engine]:
    """An engine of its own for what must be committed at once."""
    engine = side_engine(locate(settings).warehouse)
    yield engine
    engine.dispose()


@pytest.fixture
def strict(clock: Clock) -> Iterator[RunningSandbox]:
    """Pretend banks whose limits bind."""
    with running_sandbox(SandboxConfig(enforce_limits=True), clock=clock) as running:
        yield running


class Story:
    """A connection that is read by schedule, by hand and by retry, while faults strike and workers die."""

    def __init__(self, sandbox: RunningSandbox, side: Engine, clock: Clock, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a story that replays
        self.ledger = MortalLedger(QuotaLedger(side, clock, 4), self.dice)
        self.clock = clock
        self.failures: Counter[str] = Counter()
        self._http = ProviderHttp("gocardless", sandbox.gocardless_url, sleep=lambda _: None)
        self._side = side
        self._shelf = OwnShelf()
        self.credential = self._linked()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def sync(self, asked_by: AskedBy) -> None:
        """One sync by a fresh worker; what it could not do is counted."""
        provider = self._provider()
        try:
            items = list(provider.pull_accounts(self.credential, asked_by=asked_by))
            references = self._references(items)
            window = DateWindow(self.clock().date() - timedelta(days=14), self.clock().date())
            wish = TransactionsRequest(
                None, references, {one.provider_account_id: window for one in references}
            )
            items += provider.pull_transactions(self.credential, wish, asked_by=asked_by)
            items += provider.pull_balances(self.credential, references, asked_by=asked_by)
        except ProviderError as error:
            self.failures[error.code] += 1
        except Killed:
            self.failures["killed"] += 1
        else:
            self.failures.update(item.code for item in items if isinstance(item, AccountFailure))

    def day(self) -> None:
        """Three scheduled syncs, each perhaps tried again, and a person who asks now and then."""
        for _ in range(3):
            self.sync(AskedBy.SCHEDULE)
            minutes = 8 * 60 + 5
            for delay in (15, 30, 60):
                if self.dice.random() < 0.5:
                    self.clock.advance(minutes=delay)
                    minutes -= delay
                    self.sync(self.dice.choice([AskedBy.SCHEDULE, AskedBy.PERSON]))
            self.clock.advance(minutes=minutes)

    def _provider(self) -> GoCardlessProvider:
        return GoCardlessProvider(
            self._http,
            "any",
            "any",
            clock=self.clock,
            quota=self.ledger,
            details=self._details,
            shelf=self._shelf,
        )

    @property
    def _details(self) -> AccountDetails:
        return AccountDetails(self._side, self.clock)

    def _references(self, items: list[Page | AccountFailure]) -> tuple[AccountReference, ...]:
        ids = [item.provider_account_id for item in items if isinstance(item, Page)]
        return tuple(AccountReference(one, one, "depository", "EUR") for one in ids if one)

    def _linked(self) -> Credential:
        provider = GoCardlessProvider(self._http, "any", "any", clock=self.clock)
        start = provider.start_link(
            user_reference="one", institution_id=BANK, country="gb", redirect_url="http://127.0.0.1/back"
        )
        httpx.get(f"{start.url}?auto=1&username=script", trust_env=False)
        linked = provider.complete_link({"requisition_id": start.reference})
        with self._side.begin() as db:
            db.execute(text("INSERT INTO bank.users VALUES ('user_1', 'one', now())"))
            db.execute(
                text(
                    "INSERT INTO bank.connections (connection_id, user_id, provider, provider_connection_id, "
                    "institution_name, state, sync_state, linked_at, next_sync_at) VALUES "
                    "('conn_1', 'user_1', 'gocardless', 'req', 'Bank', 'connected', 'idle', now(), now())"
                )
            )
        return Credential("conn_1", "gocardless", linked.provider_connection_id, linked.secret)


def told_by(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    """What the banks counted."""
    answered = httpx.get(f"{sandbox.url}/_sandbox/requests", trust_env=False).raise_for_status()
    return list(answered.json()["successful_account_calls"])


def test_a_month_of_syncs(strict: RunningSandbox, side: Engine, clock: Clock) -> None:
    """Never a fifth good answer per account, scope and day, and never a call the bank had to refuse."""
    begun = clock()
    story = Story(strict, side, clock, seed=7)
    plan = {"seed": 7, "rate": 0.2, "kinds": FAULTS, "paths": "/accounts/"}
    httpx.post(f"{strict.url}/_sandbox/faults", json=plan, trust_env=False).raise_for_status()
    for _ in range(DAYS):
        story.day()
    assert clock() - begun >= timedelta(days=30)
    hit = httpx.get(f"{strict.url}/_sandbox/faults", trust_env=False).json()["hit"]
    story.close()
    counted = told_by(strict)
    by_scope = Counter[str]()
    for row in counted:
        assert row["count"] <= 4, row
        by_scope[row["scope"]] += row["count"]
    with side.connect() as db:
        rows = db.execute(text("SELECT outcome, count(*) FROM bank.quota_calls GROUP BY 1"))
        outcomes: dict[str, int] = {row[0]: row[1] for row in rows}
    accounts = len({row["account"] for row in counted})
    assert outcomes.get("refused", 0) == 0
    assert by_scope["transactions"] >= 2 * DAYS * accounts  # careful, but not asleep
    assert by_scope["details"] <= (DAYS + 2) * accounts
    assert min(hit.values(), default=0) > 0
    assert set(hit) == set(FAULTS)
    assert set(story.ledger.deaths) == {"reserved", "answered"}
    assert story.failures["daily_quota"] > 0


def scripted(value: str, status: str = "200 OK", *headers: str) -> Script:
    """A JSON answer."""
    return answer(value, status, *headers)


TOKENS = '{"access": "A", "access_expires": 86400, "refresh": "R", "refresh_expires": 2592000}'
LIMITS = ("HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_LIMIT: 2", "HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_REMAINING: 1")
NO_BALANCES = '{"balances": []}'


def ask_balances(
    url: str, ledger: QuotaLedger, clock: Clock, asked_by: AskedBy = AskedBy.PERSON
) -> list[Page | AccountFailure]:
    """One call about one account."""
    with ProviderHttp("gocardless", url, sleep=lambda _: None) as http:
        provider = GoCardlessProvider(http, "any", "any", clock=clock, quota=ledger)
        account = AccountReference("acc_1", "acc_1", "depository", "EUR")
        credential = Credential("c1", "gocardless", "r", "r")
        return list(provider.pull_balances(credential, [account], asked_by=asked_by))


@pytest.mark.parametrize(
    ("scripts", "used"),
    [
        ([scripted(NO_BALANCES, "200 OK", *LIMITS)], 1),
        ([scripted('{"summary": "down", "status_code": 503}', "503 X"), scripted(NO_BALANCES)], 1),
        ([scripted("", "502 Bad Gateway")], 1),
        ([scripted("<html>", "503 X")], 1),
        ([scripted('{"balances": [', "200 OK")], 1),
        ([scripted("<html>", "200 OK")], 1),
        ([lambda _: None], 1),
        ([scripted('{"summary": "Not found."}', "404 X")], 0),
        ([scripted('{"summary": "Invalid token"}', "401 X"), scripted(TOKENS), scripted(NO_BALANCES)], 1),
    ],
)
def test_what_an_attempt_costs(side: Engine, clock: Clock, scripts: list[Script], used: int) -> None:
    """What GoCardless itself refused costs nothing; what has no clear end is used up and not tried again."""
    ledger = QuotaLedger(side, clock, 4)
    with serving(scripted(TOKENS), *scripts) as server:
        ask_balances(server.url, ledger, clock)
        assert len(server.requests) == 1 + len(scripts)
    assert ledger.standing("gocardless", "acc_1", Scope.BALANCES).used == used


def test_refused_here(side: Engine, clock: Clock) -> None:
    """Without quota nothing is sent, the account fails alone and says when to come back."""
    ledger = QuotaLedger(side, clock, 1)
    meter = CallMeter(ledger, "acc_1", Scope.BALANCES, AskedBy.PERSON, clock)
    meter.reserve()
    clock.advance(hours=1)
    with serving(scripted(TOKENS), scripted(NO_BALANCES)) as server:
        (failure,) = ask_balances(server.url, ledger, clock)
        assert [sent.split(b" ")[1] for sent in server.requests] == [b"/token/new/"]
    assert isinstance(failure, AccountFailure)
    assert (failure.code, failure.recovery) == ("daily_quota", "retry_at")
    assert failure.retry_after_s == timedelta(hours=23, minutes=10).total_seconds()


def test_details_are_asked_once_a_day(strict: RunningSandbox, side: Engine, clock: Clock) -> None:
    """Later reads of the day are made of the stored ones, and say the same."""
    story = Story(strict, side, clock, seed=1)
    ledger = QuotaLedger(side, clock, 4)

    def read() -> list[str]:
        provider = GoCardlessProvider(
            story._http, "any", "any", clock=clock, quota=ledger, details=AccountDetails(side, clock)
        )
        return [item.body for item in provider.pull_accounts(story.credential) if isinstance(item, Page)]

    first = read()
    assert first
    clock.advance(hours=1)
    again = read()
    counted = {row["account"]: row["count"] for row in told_by(strict) if row["scope"] == "details"}
    assert set(counted.values()) == {1}
    assert [without_moments(body) for body in again] == [without_moments(body) for body in first]
    clock.advance(days=1)
    read()
    assert sum(row["count"] for row in told_by(strict)) == 2 * len(first)
    story.close()


def without_moments(body: str) -> dict[str, Any]:
    """A page but for what the bank says of this very read."""
    value: dict[str, Any] = httpx.Response(200, content=body).json()
    value["account"].pop("last_accessed", None)
    return value
