"""What Teller says by webhook, and where to: the bodies and the dashboard's address.

Not here: when there is something to say (`webhooks.watch`), signing and sending (`webhooks`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.webhooks.outbox import Outbox
from bank_sync.sandbox.webhooks.signing import TellerSecrets
from bank_sync.sandbox.wire import encoded
from bank_sync.sandbox.world.dice import LOWER_ALPHANUMERIC


@dataclass(slots=True)
class Notices:
    """What Teller needs to speak: the way out, its secrets, and the one address of the application."""

    outbox: Outbox
    secrets: TellerSecrets
    url: str | None = None

    def send(self, context: Context, kind: str, payload: Mapping[str, object]) -> None:
        """Queue a webhook, if there is an address."""
        said = {
            "id": f"wh_{context.new_code('teller webhook', LOWER_ALPHANUMERIC, 21)}",
            "payload": payload,
            "timestamp": context.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "type": kind,
        }
        self.outbox.put("teller", kind, self.url, encoded(said).decode(), context.now())
