"""Headers on every answer, and the last resort: an error nobody caught says only that it happened.

Belongs here: ASGI middleware. Does not belong here: what one route adds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bank_sync.web.answers import refuse

_log = logging.getLogger(__name__)


class SafeHeaders:
    """Adds the headers of `content_policy` and the like to every answer, and answers 500 for what failed.

    Args:
        app: what is guarded.
        hosts: names this site is reached by; any other is refused, whatever it resolves to.
        script_hosts: origins of the providers' scripts and frames, for the content security policy.
        is_https: adds HSTS.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], script_hosts: Collection[str], is_https: bool
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._headers = {
            "Content-Security-Policy": content_policy(script_hosts),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",  # no-referrer would hide the origin of our own forms
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
            "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if is_https:
            self._headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what asks for one of our names; see that an answer is given."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def decorated(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                self._decorate(MutableHeaders(scope=message))
            await send(message)

        if _host(scope) not in self._hosts:
            await refuse(decorated, 421, "unknown_host", "This server is not reached by that name.")
            return
        try:
            await self._app(scope, receive, decorated)
        except Exception as error:  # noqa: BLE001 - the last resort: an error's text may quote people's data
            _log.error("%s on %s %s", type(error).__name__, scope["method"], _route_of(scope))
            if not began:
                await refuse(decorated, 500, "internal", "Something went wrong here. It has been noted.")

    def _decorate(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", "no-store")


def content_policy(script_hosts: Collection[str]) -> str:
    """Our own files and the providers' link scripts, nothing else; nobody may frame us."""
    theirs = " ".join(sorted(script_hosts))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {theirs}".rstrip(),
            f"frame-src {theirs or chr(39) + 'none' + chr(39)}",
            f"connect-src 'self' {theirs}".rstrip(),
            "style-src 'self'",
            "img-src 'self' data:",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _host(scope: Scope) -> str:
    """The name a request was sent to, without its port."""
    values = [value for name, value in scope["headers"] if name == b"host"]
    host = values[0].decode("latin-1") if len(values) == 1 else ""
    return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host


def _route_of(scope: Scope) -> str:
    """The pattern of the path: its ids stay out of the log."""
    return str(getattr(scope.get("route"), "path", "(no route)"))
