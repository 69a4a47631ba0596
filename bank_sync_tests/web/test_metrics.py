"""Figures for whoever runs it: with a key, by kind, nobody's data."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from bank_sync.services import Services
from bank_sync_tests.conftest import Clock
from bank_sync_tests.web.people import api, api_key
from bank_sync_tests.web.signing import teller_signature


def test_metrics(site: str, services: Services, clock: Clock, link: Callable[..., str]) -> None:
    """Connections, what waits and for how long, and what became of webhooks."""
    assert httpx.get(f"{site}/metrics").status_code == 401
    connection_id = link("teller")
    key = api_key(services)
    with api(site, key, "person-of-teller") as application:
        application.post(f"/connections/{connection_id}/sync").raise_for_status()
    body = b'{"id": "wh_1", "type": "webhook.test", "payload": {}}'
    at = int(services.clock().timestamp())
    signature = teller_signature(body, at, services.settings.teller_webhook_secret_list()[0])
    for one in (signature, "t=1,v1=x"):
        httpx.post(f"{site}/webhooks/teller", content=body, headers={"Teller-Signature": one})
    clock.advance(seconds=90)
    answer = httpx.get(f"{site}/metrics", headers={"Authorization": f"Bearer {key}"})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = answer.text.splitlines()
    assert 'bank_sync_connections{provider="teller",state="connected"} 1' in told
    assert 'bank_sync_webhooks_waiting{provider="teller",state="new"} 1' in told
    assert "bank_sync_oldest_webhook_s 90" in told
    assert "bank_sync_oldest_sync_request_s 90" in told
    counted = [line for line in told if line.startswith("bank_sync_webhooks_total")]
    assert len(counted) == 2
    assert all(line.endswith(" 1") for line in counted)
    assert connection_id not in answer.text
