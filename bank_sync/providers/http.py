"""One HTTP client for all providers, with the limits that httpx does not have.

Belongs here: where a call may go, how long and how large its answer may be, which failures are tried again,
and errors that carry no URL, header or body. Does not belong here: what a provider's codes mean (a function
`Refusal` beside each client says that) and how often a provider may be asked (`providers.budget`, and a
`Meter` for what is scarcer than a minute's requests).
"""

from __future__ import annotations

import logging
import random as random_module
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Protocol, Self

import httpx

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery
from bank_sync.providers.addresses import check_base_url, is_safe_path
from bank_sync.providers.budget import Pace
from bank_sync.providers.json_text import NotJson, decode_json

Refusal = Callable[[int, Mapping[str, str], object], ProviderError]
"""Turns (status, headers, decoded body or None) of a refused call into the error to raise."""

Monotonic = Callable[[], float]
Sleep = Callable[[float], None]

_TRIES = 3
_FIRST_BACKOFF_S = 0.5
_LONGEST_WAIT_S = 5.0  # a longer wait belongs to the schedule, not to a running worker
_LONGEST_RETRY_AFTER_S = 7 * 86_400.0
_CONNECT_TIMEOUT_S = 10.0
_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful answer; `value` is the decoded JSON, None for an answer without content."""

    status: int
    headers: Mapping[str, str]
    value: object


class Meter(Protocol):
    """Counts the tries of one call against something scarce."""

    def reserve(self) -> None:
        """Called before each try.

        Raises:
            ProviderError: nothing is left; the try is not made.
        """

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """The try was answered well."""

    def failed(self, error: ProviderError) -> bool:
        """The try failed; True when it cost nothing, so that another one may follow."""


NOT_SENT = frozenset({"connect_failed", "tls_failed", "sandbox_not_running", "budget_exhausted"})
"""Codes of failures before anything reached the provider."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, over all its tries."""

    request: httpx.Request
    auth: httpx.BasicAuth | None
    refusal: Refusal
    path: str
    item: str | None
    ends_at: float


class SandboxNotRunning(ProviderError):
    """The provider sandbox should answer on this machine and nothing listens there."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider=provider, code="sandbox_not_running", recovery=Recovery.RETRY_BACKOFF)
        self.args = (
            f"The provider sandbox that plays {provider} is not running: start it with `bank-sync sandbox`.",
        )


class ProviderHttp:
    """Calls one provider's API below one base URL.

    Args:
        provider: name used in errors.
        base_url: `https://...`, or `http://` on this machine (the sandbox).
        tls: TLS context with a client certificate, where the provider asks for one.
        deadline_s: wall-clock seconds for one call, from first byte sent to last byte read, retries included.
        byte_cap: bytes of a decoded body beyond which reading stops.
        pace: holds every try to the minute budgets; None asks as fast as it goes.
        monotonic: clock for the deadline.
        sleep: waits between tries.
        random: uniform in [0, 1), for jitter.

    Raises:
        SettingsError: the base URL is not absolute, carries credentials, or is unencrypted to a network.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        *,
        tls: ssl.SSLContext | None = None,
        deadline_s: float = 60.0,
        byte_cap: int = 20_000_000,
        pace: Pace | None = None,
        monotonic: Monotonic = time.monotonic,
        sleep: Sleep = time.sleep,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._provider = provider
        self._base_url = base_url.rstrip("/")
        self._is_local = check_base_url(provider, self._base_url)
        self._deadline_s = deadline_s
        self._byte_cap = byte_cap
        self._pace = pace
        self._monotonic = monotonic
        self._sleep = sleep
        self._random = random
        _quiet_request_logs()
        self._client = httpx.Client(
            verify=tls or not self._is_local,
            follow_redirects=False,
            trust_env=not self._is_local,  # a proxy cannot reach this machine's loopback
            headers={"User-Agent": _user_agent(), "Accept": "application/json", "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; the client cannot be used afterwards."""
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        refusal: Refusal,
        json: object = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        repeatable: bool = True,
        item: str | None = None,
        meter: Meter | None = None,
    ) -> Answer:
        """Call `path` (joined from `segment`s) and return its decoded answer.

        Transient failures are tried again, up to three times within the deadline. `repeatable=False` is for
        calls that use something up: they are tried once. `item` is the connection's id at the provider, for
        limits of its own; `meter` counts each try.

        Raises:
            ProviderError: what `refusal` made of a status of 400 and above, no answer in time, or no turn;
                `Recovery.RETRY_AT` when the provider wants longer than a worker may wait.
            ContractBroken: the answer is no JSON, too large, or a redirect.
        """
        if not is_safe_path(path):
            raise ProviderError(provider=self._provider, code="unsafe_path", recovery=Recovery.BUG)
        request = self._client.build_request(
            method, self._base_url + path, json=json, params=params, headers=headers
        )
        credentials = httpx.BasicAuth(*auth) if auth else None
        call = _Call(request, credentials, refusal, path, item, self._monotonic() + self._deadline_s)
        return self._answered(call, meter, _TRIES if repeatable else 1)

    def _answered(self, call: _Call, meter: Meter | None, tries_left: int) -> Answer:
        """Try until there is an answer, a failure that lasts, or no time left."""
        while True:
            if meter is not None:
                meter.reserve()
            try:
                answer = self._attempt(call)
            except ProviderError as error:
                is_free = meter is None or meter.failed(error)
                tries_left = tries_left - 1 if is_free else 0
                wait_s = self._wait_before_retry_s(error, tries_left)
                if wait_s is None or self._monotonic() + wait_s >= call.ends_at:
                    raise _as_appointment(error) from None
            else:
                if meter is not None:
                    meter.succeeded(answer.headers)
                return answer
            self._sleep(wait_s)

    def _attempt(self, call: _Call) -> Answer:
        """Wait for a turn, send once and read the whole body."""
        if self._pace is not None:
            self._pace.wait(call.path, call.item)
        left_s = max(0.001, call.ends_at - self._monotonic())
        timeout = httpx.Timeout(left_s, connect=min(_CONNECT_TIMEOUT_S, left_s))
        call.request.extensions = {**call.request.extensions, "timeout": timeout.as_dict()}
        try:
            response = self._client.send(call.request, stream=True, auth=call.auth)
            try:
                body = self._read_body(response, call.ends_at)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure = self._failure_of(error)
            raise failure from None
        return self._answer_of(response, body, call.refusal)

    def _read_body(self, response: httpx.Response, ends_at: float) -> bytes:
        """The timeouts of httpx start again with every read, so a dripped body needs this second clock."""
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._byte_cap:
                raise self._broken("too_large", response.status_code)
            if self._monotonic() >= ends_at:
                raise self._unanswered("timeout")
        return bytes(body)

    def _answer_of(self, response: httpx.Response, body: bytes, refusal: Refusal) -> Answer:
        """Decode, then sort by status."""
        status = response.status_code
        if status >= httpx.codes.BAD_REQUEST:
            error = refusal(status, response.headers, _decoded_or_none(body))
            if error.retry_after_s is None:
                error.retry_after_s = retry_after_s(response.headers)
            raise error
        if not response.is_success:
            raise self._broken("redirect", status)
        if status == _NO_CONTENT:
            return Answer(status, response.headers, None)
        try:
            return Answer(status, response.headers, decode_json(body))
        except NotJson:
            raise self._broken("not_json", status) from None

    def _failure_of(self, error: Exception) -> ProviderError:
        """Rebuild a library error from its kind alone: its text holds the URL."""
        if isinstance(error, httpx.TimeoutException):
            return self._unanswered("timeout")
        if isinstance(error, httpx.ConnectError):
            if _is_tls_failure(error):
                code = "tls_failed"
                return ProviderError(provider=self._provider, code=code, recovery=Recovery.OPERATOR)
            return SandboxNotRunning(self._provider) if self._is_local else self._unanswered("connect_failed")
        if isinstance(error, httpx.DecodingError):
            return self._broken("wrong_encoding", None)
        return self._unanswered("connection_lost")

    def _unanswered(self, code: str) -> ProviderError:
        return ProviderError(provider=self._provider, code=code, recovery=Recovery.RETRY_BACKOFF)

    def _broken(self, detail: str, status: int | None) -> ContractBroken:
        return ContractBroken(provider=self._provider, detail=detail, http_status=status)

    def _wait_before_retry_s(self, error: ProviderError, tries_left: int) -> float | None:
        """Seconds to wait, None to give up: a broken contract does not mend in seconds."""
        if (
            tries_left == 0
            or error.recovery is not Recovery.RETRY_BACKOFF
            or isinstance(error, ContractBroken)
        ):
            return None
        if error.retry_after_s is not None:
            return error.retry_after_s if error.retry_after_s <= _LONGEST_WAIT_S else None
        longest_s: float = _FIRST_BACKOFF_S * 2 ** (_TRIES - tries_left)
        return longest_s * (0.5 + self._random() / 2)


def _as_appointment(error: ProviderError) -> ProviderError:
    """A wait too long for a worker becomes a time at which the schedule comes back."""
    if (
        error.recovery is not Recovery.RETRY_BACKOFF
        or error.retry_after_s is None
        or error.retry_after_s <= _LONGEST_WAIT_S
    ):
        return error
    return ProviderError(
        provider=error.provider,
        code=error.code,
        recovery=Recovery.RETRY_AT,
        http_status=error.http_status,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
    )


def recovery_by_status(status: int) -> Recovery:
    """What to do about a refusal whose code nobody knows."""
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS) or status >= 500:  # noqa: PLR2004 - the class of server errors
        return Recovery.RETRY_BACKOFF
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Recovery.OPERATOR
    return Recovery.BUG


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After` header, given as seconds or as a date; at least 0 and at most a week."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        wanted_s = float(value) if value.strip().isdigit() else _seconds_between(headers.get("date"), value)
    except (ValueError, OverflowError):
        return None
    return min(max(wanted_s, 0.0), _LONGEST_RETRY_AFTER_S)


def _seconds_between(now: str | None, then: str) -> float:
    """Both as the server's own clock tells them."""
    if now is None:
        raise ValueError
    return (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()


def _is_tls_failure(error: BaseException) -> bool:
    """The reason is wrapped; a certificate that does not fit must not look like an outage."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _decoded_or_none(body: bytes) -> object:
    try:
        return decode_json(body)
    except NotJson:
        return None


def _user_agent() -> str:
    try:
        return f"bank_sync/{version('bank-sync')}"
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "bank_sync"


def _quiet_request_logs() -> None:
    """They log every URL with its query at INFO, and headers at DEBUG."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
