"""Figures for whoever runs bank_sync, in the text format of Prometheus.

Belongs here: the route and the format. Does not belong here: counting (`storage.gauges`, `web.webhooks`).

Behind a proxy everybody seems to come from this machine, so that a key is asked for and not the address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Response
from starlette.responses import PlainTextResponse

from bank_sync.services import Services
from bank_sync.storage.api_keys import find_key
from bank_sync.storage.database import transaction
from bank_sync.storage.gauges import Gauge, gauges
from bank_sync.web.access import Refused

_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


def metrics_routes(services: Services, webhooks: Mapping[tuple[str, str], int]) -> APIRouter:
    """`/metrics`; `webhooks` counts the outcomes of this process by provider."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    def metrics(authorization: Annotated[str, Header()] = "") -> Response:
        now = services.clock()
        with transaction(services.engine) as db:
            if find_key(db, authorization.removeprefix("Bearer "), now=now) is None:
                raise Refused(401, "no_key", "Send a living key.", {"WWW-Authenticate": "Bearer"})
            found = gauges(db, now=now)
        seen = [
            Gauge("webhooks_total", (("provider", provider), ("outcome", outcome)), times)
            for (provider, outcome), times in sorted(webhooks.items())
        ]
        return PlainTextResponse(_told(found, "gauge") + _told(seen, "counter"), media_type=_FORMAT)

    return router


def _told(figures: Iterable[Gauge], kind: str) -> str:
    lines: list[str] = []
    named: set[str] = set()
    for one in figures:
        name = f"bank_sync_{one.name}"
        if name not in named:
            lines.append(f"# TYPE {name} {kind}")
            named.add(name)
        labels = ",".join(
            f'{label}="{value}"' for label, value in one.labels
        )  # words of ours, never a person's
        lines.append(f"{name}{{{labels}}} {one.value:g}" if labels else f"{name} {one.value:g}")
    return "".join(f"{line}\n" for line in lines)
