"""The application's token at GoCardless: one for all processes, renewed in time, patient when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.gocardless.token import AppToken, TokenShelf
from bank_sync.providers.http import ProviderHttp
from bank_sync.security.cipher import Cipher, new_key_entry, parse_keyring
from bank_sync.settings import Settings
from bank_sync.storage.application_tokens import ApplicationTokens
from bank_sync.storage.database import side_engine
from bank_sync.storage.locations import locate
from bank_sync_tests.conftest import Clock
from bank_sync_tests.providers.local_server import Script, Server, answer, serving

DOWN = answer('{"summary": "down", "status_code": 503}', "503 Unavailable")


def tokens(number: int) -> Script:
    """A pair of tokens."""
    return answer(
        f'{{"access": "access-{number}", "access_expires": 86400, '
        f'"refresh": "refresh-{number}", "refresh_expires": 2592000}}'
    )


def refreshed(number: int) -> Script:
    """A new access token for the refresh token."""
    return answer(f'{{"access": "access-{number}", "access_expires": 86400}}')


def asked(server: Server) -> list[str]:
    """Paths of the requests."""
    return [sent.split(b" ")[1].decode() for sent in server.requests]


@pytest.fixture
def side(settings: Settings) -> Iterator[Engine]:
    """An engine of its own for what must be committed at once."""
    engine = side_engine(locate(settings).warehouse)
    yield engine
    engine.dispose()


@pytest.fixture
def cipher() -> Cipher:
    """A keyring of one key."""
    return parse_keyring(new_key_entry("k1"))


@pytest.fixture
def shelf(side: Engine, cipher: Cipher) -> ApplicationTokens:
    """Where all processes keep the token."""
    return ApplicationTokens(side, cipher, "gocardless", "gocardless:one")


def bearer(server: Server, clock: Clock, shelf: TokenShelf | None, refused: str | None = None) -> str:
    """What a new process uses, after `refused` was refused."""
    with ProviderHttp("gocardless", server.url, sleep=lambda _: None) as http:
        token = AppToken(http, "secret-id", "secret-key", clock, shelf)
        if refused is not None:
            token.forget(refused)
        return token.bearer()


def test_processes_share_one_token(shelf: ApplicationTokens, side: Engine, clock: Clock) -> None:
    """The second process asks for nothing, and nobody reads the token in the database."""
    with serving(tokens(1)) as server:
        assert [bearer(server, clock, shelf) for _ in range(5)] == ["access-1"] * 5
        assert asked(server) == ["/token/new/"]
    with side.connect() as db:
        found = db.execute(text("SELECT row_to_json(t)::text FROM bank.application_tokens t"))
        row: str = found.scalar_one()
    assert "access-1" not in row
    assert b"access-1".hex() not in row


def test_many_at_once_ask_once(shelf: ApplicationTokens, clock: Clock) -> None:
    """While one renews it, the others wait and take what it got."""
    with serving(tokens(1), tokens(2)) as server, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: bearer(server, clock, shelf), range(4)))
        assert asked(server) == ["/token/new/"]
    assert set(found) == {"access-1"}


def test_renewed_before_it_ends(shelf: ApplicationTokens, clock: Clock) -> None:
    """At four fifths of its life by the refresh token, and by the secrets when that one is old or dead."""
    dead = answer('{"summary": "Invalid token"}', "401 Unauthorized")
    with serving(tokens(1), refreshed(2), tokens(3), dead, tokens(4)) as server:
        assert bearer(server, clock, shelf) == "access-1"
        clock.advance(hours=19)
        assert bearer(server, clock, shelf) == "access-1"
        clock.advance(hours=1)
        assert bearer(server, clock, shelf) == "access-2"
        clock.advance(days=25)
        assert bearer(server, clock, shelf) == "access-3"
        clock.advance(days=1)
        assert bearer(server, clock, shelf) == "access-4"
        assert asked(server) == [
            "/token/new/",
            "/token/refresh/",
            "/token/new/",
            "/token/refresh/",
            "/token/new/",
        ]


def test_refused_by_another_process_too(shelf: ApplicationTokens, clock: Clock) -> None:
    """Two processes whose token was refused renew it once."""
    with serving(tokens(1), refreshed(2)) as server:
        assert bearer(server, clock, shelf) == "access-1"
        assert bearer(server, clock, shelf, refused="access-1") == "access-2"
        assert bearer(server, clock, shelf, refused="access-1") == "access-2"
        assert len(server.requests) == 2


def test_a_token_that_cannot_be_renewed(shelf: ApplicationTokens, clock: Clock) -> None:
    """Five attempts, 30 seconds after the first failure and each wait twice the last; then once an hour.

    Between attempts nothing is sent, by whatever process.
    """
    waits = []
    with serving(*[DOWN] * 18, tokens(1)) as server:
        for attempt in range(1, 7):
            with pytest.raises(ProviderError) as failed:
                bearer(server, clock, shelf)
            assert failed.value.recovery is Recovery.RETRY_AT
            waits.append(failed.value.retry_after_s or 0.0)
            sent = len(server.requests)
            assert sent == 3 * attempt  # tries within one attempt
            clock.advance(seconds=waits[-1] - 1)
            with pytest.raises(ProviderError, match="token_renewal_waits"):
                bearer(server, clock, shelf)
            assert len(server.requests) == sent
            clock.advance(seconds=1)
        assert bearer(server, clock, shelf) == "access-1"
    assert waits == [30, 60, 120, 240, 3600, 30]


def test_wrong_secrets(shelf: ApplicationTokens, clock: Clock) -> None:
    """They are the operator's to mend, and are asked again as soon as they may have been."""
    wrong = answer('{"summary": "Authentication failed"}', "401 Unauthorized")
    with serving(wrong, tokens(1)) as server:
        with pytest.raises(ProviderError) as failed:
            bearer(server, clock, shelf)
        assert failed.value.recovery is Recovery.OPERATOR
        assert bearer(server, clock, shelf) == "access-1"


def test_a_key_that_is_gone(side: Engine, shelf: ApplicationTokens, clock: Clock) -> None:
    """Tokens that do not open any more are asked anew."""
    other = ApplicationTokens(side, parse_keyring(new_key_entry("k2")), "gocardless", "gocardless:one")
    with serving(tokens(1), tokens(2)) as server:
        assert bearer(server, clock, shelf) == "access-1"
        assert bearer(server, clock, other) == "access-2"


def test_without_a_shelf(clock: Clock) -> None:
    """A process alone keeps its own."""
    with serving(tokens(1), refreshed(2)) as server, ProviderHttp("gocardless", server.url) as http:
        token = AppToken(http, "id", "key", clock)
        assert [token.bearer(), token.bearer()] == ["access-1", "access-1"]
        clock.now += timedelta(hours=20)
        assert token.bearer() == "access-2"
