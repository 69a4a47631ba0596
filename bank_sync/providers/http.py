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
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Self

import httpx

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery
from bank_sync.providers.addresses import check_base_url, is_safe_path
from bank_sync.providers.budget import Pace
from bank_sync.providers.deadline import Deadline, hold_to
from bank_sync.providers.json_text import NotJson, decode_answer, decode_json
from bank_sync.providers.retries import TRIES, Meter, as_appointment, retry_after_s, wait_before_retry_s
from bank_sync.providers.unanswered import failure_of

Refusal = Callable[[int, Mapping[str, str], object], ProviderError]
"""Turns (status, headers, decoded body or None) of a refused call into the error to raise."""

Monotonic = Callable[[], float]
Sleep = Callable[[float], None]

_CONNECT_TIMEOUT_S = 10.0
_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful answer; `value` is the decoded JSON, None for an answer without content."""

    status: int
    headers: Mapping[str, str]
    value: object


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, over all its tries."""

    request: httpx.Request
    auth: httpx.BasicAuth | None
    refusal: Refusal
    path: str
    item: str | None
    ends_at: float


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
        self._deadline = Deadline(monotonic)
        hold_to(self._client, self._deadline)

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
        deadline_s: float | None = None,
    ) -> Answer:
        """Call `path` (joined from `segment`s) and return its decoded answer.

        Transient failures are tried again, up to three times within the deadline. `repeatable=False` is for
        calls that use something up: they are tried once. `item` is the connection's id at the provider, for
        limits of its own; `meter` counts each try; `deadline_s` is a shorter deadline than the client's.

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
        ends_at = self._monotonic() + (deadline_s or self._deadline_s)
        call = _Call(request, credentials, refusal, path, item, ends_at)
        return self._answered(call, meter, TRIES if repeatable else 1)

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
                wait_s = wait_before_retry_s(error, tries_left, self._random)
                if wait_s is None or self._monotonic() + wait_s >= call.ends_at:
                    raise as_appointment(error) from None
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
        self._deadline.ends_at = call.ends_at
        try:
            response = self._client.send(call.request, stream=True, auth=call.auth)
            try:
                body = self._read_body(response)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure = failure_of(error, self._provider, is_local=self._is_local)
            raise failure from None
        finally:
            self._deadline.ends_at = None
        return self._answer_of(response, body, call.refusal)

    def _read_body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._byte_cap:
                raise self._broken("too_large", response.status_code)
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
            return Answer(status, response.headers, decode_answer(body))
        except NotJson:
            raise self._broken("not_json", status) from None

    def _broken(self, detail: str, status: int | None) -> ContractBroken:
        return ContractBroken(provider=self._provider, detail=detail, http_status=status)


def _decoded_or_none(body: bytes) -> object:
    try:
        return decode_json(body)
    except NotJson:
        return None


@cache
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
