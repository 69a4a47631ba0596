"""A taste of `bank_sync_tests.web.hostile` in every run, and proof that it would notice."""

from __future__ import annotations

from bank_sync.providers.plaid.webhook_keys import PlaidWebhookKeys
from bank_sync.services import Services
from bank_sync.web.app import create_app
from bank_sync.web.bounds import BOUNDS, Bound
from bank_sync.web.webhooks import Receiver
from bank_sync_tests.web.hostile import attack, only_ours


def test_hostile(services: Services) -> None:
    """Two thousand hostile webhooks: none accepted, none answered with 500 or above."""
    receiver = Receiver(services, PlaidWebhookKeys(only_ours, services.clock))
    bounds = [Bound(one.prefix, one.bytes_most, one.body_s, one.answer_s, 10**9) for one in BOUNDS]
    app = create_app(services, bounds=bounds, receiver=receiver)
    secret = services.settings.teller_webhook_secret_list()[0]
    at = int(services.clock().timestamp())
    found = attack(app, at=at, secret=secret, count=2_000, seed=7)
    assert set(found) <= {400, 401, 429}
    assert found[401] > 1_900
