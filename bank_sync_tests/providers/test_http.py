"""The HTTP client against a real socket that misbehaves.

Belongs here: limits, retries and errors of `providers.http`. Does not belong here: any provider's protocol.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping
from decimal import Decimal

import pytest

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery, SettingsError
from bank_sync.providers.budget import Limit, Pace
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.retries import recovery_by_status, retry_after_s
from bank_sync.providers.unanswered import SandboxNotRunning
from bank_sync_tests.providers.local_server import answer, serving


def refusal(status: int, _: Mapping[str, str], value: object) -> ProviderError:
    """By status alone."""
    code = str(value.get("code", "none")) if isinstance(value, dict) else "none"
    recovery = recovery_by_status(status)
    return ProviderError(provider="plaid", code=code, recovery=recovery, http_status=status)


def call(url: str, path: str = "/x", **settings: object) -> object:
    """One GET with waits recorded nowhere."""
    waits = settings.pop("waits", [])
    assert isinstance(waits, list)
    repeatable = settings.pop("repeatable", True) is True
    options: dict[str, object] = {"sleep": waits.append, "random": lambda: 0.5, **settings}
    with ProviderHttp("plaid", url, **options) as http:  # type: ignore[arg-type]  # a table of settings
        return http.call("GET", path, refusal=refusal, repeatable=repeatable).value


def test_an_answer_with_exact_digits() -> None:
    """Digits arrive as sent, where floats would lose cents."""
    with serving(answer('{"amount": 1234567890123456.78, "tip": 12.10}')) as server:
        value = call(server.url)
    assert value == {"amount": Decimal("1234567890123456.78"), "tip": Decimal("12.10")}
    assert isinstance(value, dict)
    assert str(value["tip"]) == "12.10"


@pytest.mark.parametrize(
    "body",
    ['{"a": [1, 2', "<html>down for maintenance</html>", '{"a": NaN}', "", b'{"a": "\xff"}', "[" * 100_000],
)
def test_a_good_status_without_json(body: str | bytes) -> None:
    """Truncated, HTML, NaN, empty, not UTF-8, or nested without end: the contract is broken."""
    with serving(answer(body)) as server, pytest.raises(ContractBroken, match="not_json"):
        call(server.url)


def test_a_body_that_is_cut_off() -> None:
    """A connection lost in the middle is tried again."""

    def cut(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,")

    with serving(cut, answer("[1]")) as server:
        assert call(server.url) == [1]


def test_a_body_that_drips_for_ever() -> None:
    """The deadline counts the whole body, though each byte comes in time."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(200):
            connection.sendall(b" ")
            time.sleep(0.02)  # real: the subject is a real clock

    started = time.monotonic()
    with serving(drip) as server, pytest.raises(ProviderError) as failed:
        call(server.url, deadline_s=0.3)
    assert failed.value.code == "timeout"
    assert time.monotonic() - started < 2


def test_headers_that_drip_for_ever() -> None:
    """The deadline counts them too, though each byte comes in time."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.02)  # real: the subject is a real clock

    started = time.monotonic()
    with serving(drip) as server, pytest.raises(ProviderError) as failed:
        call(server.url, deadline_s=0.3)
    assert failed.value.code == "timeout"
    assert time.monotonic() - started < 2


def test_a_body_beyond_the_cap() -> None:
    """Reading stops; memory is not the provider's to fill."""
    with (
        serving(answer("[" + "1," * 5000 + "1]")) as server,
        pytest.raises(ContractBroken, match="too_large"),
    ):
        call(server.url, byte_cap=1000)


def test_a_redirect() -> None:
    """It is not followed: credentials stay where they belong."""
    moved = answer("", "302 Found", "Location: http://127.0.0.1:1/elsewhere")
    with serving(moved) as server, pytest.raises(ContractBroken, match="redirect"):
        call(server.url)


def test_an_outage_that_ends() -> None:
    """Two refusals, then the answer: the caller sees the answer, after two growing waits."""
    waits: list[float] = []
    down = answer("{}", "503 Service Unavailable")
    with serving(down, down, answer("[]")) as server:
        assert call(server.url, waits=waits) == []
    assert waits == [0.75, 1.5]


def test_an_outage_that_lasts() -> None:
    """Three tries, then a transient error that leaves the connection healthy."""
    down = answer('{"code": "down"}', "502 Bad Gateway")
    with serving(down, down, down, down) as server, pytest.raises(ProviderError) as failed:
        call(server.url)
    assert failed.value.is_transient
    assert len(server.requests) == 3


class CountedUnits:
    """A budget that counts what is taken of it, and has only so much."""

    def __init__(self, units: int = 100) -> None:
        self.left = units
        self.taken: list[str] = []

    def take(self, limit: Limit, *, longest_wait_s: float) -> float:
        """One unit, while there are some."""
        if self.left == 0:
            return longest_wait_s + 30
        self.left -= 1
        self.taken.append(limit.key)
        return 0.0


def test_every_try_takes_a_unit() -> None:
    """Tries after the first are requests as well."""
    budget = CountedUnits()
    down = answer("{}", "503 Service Unavailable")
    with serving(down, down, answer("[]")) as server:
        assert call(server.url, pace=Pace("plaid", budget, 200)) == []
    assert budget.taken == ["plaid"] * 3


def test_a_budget_that_ends_between_tries() -> None:
    """The call ends with the time to come back instead of asking once more."""
    down = answer("{}", "503 Service Unavailable")
    pace = Pace("plaid", CountedUnits(1), 200, longest_wait_s=5)
    with serving(down, answer("[]")) as server, pytest.raises(ProviderError) as failed:
        call(server.url, pace=pace)
    assert (failed.value.code, failed.value.recovery) == ("budget_exhausted", Recovery.RETRY_AT)
    assert failed.value.retry_after_s == 35
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "waits", "appointment_s"),
    [
        ("Retry-After: 5", [5.0], None),
        ("Retry-After: 6", [], 6.0),
        ("Retry-After: 1000000000", [], 604_800.0),
        ("Retry-After: -3", [0.75], None),
        ("Retry-After: never", [0.75], None),
        ("X-Nothing: 1", [0.75], None),
        ("Date: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2026 07:28:03 GMT", [3.0], None),
        ("Date: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2026 09:28:00 GMT", [], 7_200.0),
    ],
)
def test_asked_too_often(header: str, waits: list[float], appointment_s: float | None) -> None:
    """Seconds are waited for, more is an appointment, nonsense is an ordinary wait."""
    slept: list[float] = []
    with serving(answer("{}", "429 Too Many", header), answer("[]")) as server:
        if appointment_s is None:
            assert call(server.url, waits=slept) == []
        else:
            with pytest.raises(ProviderError) as failed:
                call(server.url, waits=slept)
            assert (failed.value.recovery, failed.value.retry_after_s) == (Recovery.RETRY_AT, appointment_s)
    assert slept == waits


def test_tries_end_with_the_deadline() -> None:
    """No wait is begun that would end after it."""
    clock = [0.0]

    def sleep(wait_s: float) -> None:
        clock[0] += wait_s

    down = answer("{}", "503 Service Unavailable")
    with serving(down, down, down) as server, pytest.raises(ProviderError):
        call(server.url, deadline_s=2.0, monotonic=lambda: clock[0], sleep=sleep)
    assert len(server.requests) == 2
    assert clock[0] == 0.75


def test_a_call_that_uses_something_up() -> None:
    """It is tried once only."""
    with serving(answer("{}", "503 Unavailable"), answer("[]")) as server, pytest.raises(ProviderError):
        call(server.url, repeatable=False)
    assert len(server.requests) == 1


def test_a_short_retry_after() -> None:
    """It is waited for as asked."""
    waits: list[float] = []
    with serving(answer("{}", "429 Too Many", "Retry-After: 2"), answer("[]")) as server:
        assert call(server.url, waits=waits) == []
    assert waits == [2.0]


def test_a_long_retry_after() -> None:
    """It is handed to the schedule instead of holding a worker."""
    waits: list[float] = []
    with (
        serving(answer("{}", "429 Too Many", "Retry-After: 3600")) as server,
        pytest.raises(ProviderError) as failed,
    ):
        call(server.url, waits=waits)
    assert failed.value.retry_after_s == 3600
    assert failed.value.recovery is Recovery.RETRY_AT
    assert waits == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1000000000"}, 604_800.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
def test_spellings_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds or a date, bounded; nonsense counts as absent."""
    assert retry_after_s(headers) == seconds


def test_a_sandbox_that_is_not_running() -> None:
    """The error names the command that starts it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SandboxNotRunning, match="bank-sync sandbox"):
        call(f"http://127.0.0.1:{port}")


def test_an_encrypted_port_that_is_not() -> None:
    """A TLS failure is the operator's, never an outage and never a reason to skip the check."""
    with serving(answer("[]")) as server, pytest.raises(ProviderError) as failed:
        call(server.url.replace("http://", "https://"))
    assert failed.value.code == "tls_failed"
    assert failed.value.recovery is Recovery.OPERATOR


def test_errors_and_logs_of_a_failed_call(caplog: pytest.LogCaptureFixture) -> None:
    """Neither repeats a URL, a query or a header."""
    caplog.set_level(logging.INFO)
    down = answer("{}", "400 Bad Request")
    with (
        serving(down) as server,
        ProviderHttp("plaid", server.url) as http,
        pytest.raises(ProviderError) as failed,
    ):
        http.call(
            "GET",
            "/canary-path",
            params={"canary-query": "1"},
            headers={"X-Key": "canary-header"},
            auth=("canary-user", ""),
            refusal=refusal,
        )
    assert b"canary-query" in server.requests[0]
    assert "canary" not in f"{failed.value!r} {failed.value} {caplog.text}"
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    "path", ["x", "//evil/x", "/../x", "/a/../../x", "/x?y=1", "/x#y", "/a b", "http://evil/x", ""]
)
def test_a_path_that_leaves_the_base_url(path: str) -> None:
    """No id in a path can point a call elsewhere."""
    with pytest.raises(ProviderError, match="unsafe_path"):
        call("http://127.0.0.1:1", path)


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com", "ftp://127.0.0.1", "https://user:key@api.example.com", "api.example.com", ""],
)
def test_a_base_url_that_would_leak(url: str) -> None:
    """Plain HTTP leads to this machine alone, and credentials never stand in a URL."""
    with pytest.raises(SettingsError):
        ProviderHttp("plaid", url)


def test_who_is_calling() -> None:
    """Providers see our name, not a library's."""
    with serving(answer("[]")) as server:
        call(server.url)
    assert b"User-Agent: bank_sync" in server.requests[0]
