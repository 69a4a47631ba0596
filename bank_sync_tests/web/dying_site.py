"""The web side in a process that dies between what it stored and what it would have answered.

Belongs here: that process. Does not belong here: what must hold afterwards (`test_webhook_inbox.py`).

    python -m bank_sync_tests.web.dying_site PORT
"""

from __future__ import annotations

import os
import sys
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bank_sync.services import open_services
from bank_sync.settings import load_settings
from bank_sync.web.app import create_app
from bank_sync.web.serving import served


def dying(app: ASGIApp) -> ASGIApp:
    """The same, but the process is gone when the first webhook is about to be answered."""

    async def instead(scope: Scope, receive: Receive, send: Send) -> None:
        async def die(_message: Message) -> None:
            os._exit(9)

        is_webhook = scope["type"] == "http" and scope["path"].startswith("/webhooks/")
        await app(scope, receive, die if is_webhook else send)

    return instead


def main() -> None:
    """Serve until the first webhook; the clock stands at the ISO time of the second argument."""
    port, now = int(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
    with (
        open_services(load_settings(), clock=lambda: now) as services,
        served(dying(create_app(services)), port=port) as url,
    ):
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
