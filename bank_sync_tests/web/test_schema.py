"""The OpenAPI document is kept: no call is answered in a way it does not tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bank_sync.services import Services
from bank_sync.sync.whole import sync_connection
from bank_sync.web.app import create_app
from bank_sync.web.bounds import BOUNDS
from bank_sync.web.serving import served
from bank_sync_tests.web.people import api, api_key

_EXAMPLES = 12  # of each operation; make the figure larger to look harder
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


def test_schema(services: Services, link: Callable[..., str]) -> None:
    """Schemathesis over every operation, as a person with a connection: no 5xx, nothing undocumented."""
    connection_id = link("teller")
    sync_connection(services, connection_id)
    bounds = [changed(one, per_minute=10**9) for one in BOUNDS]
    with (
        served(create_app(services, bounds=bounds)) as site,
        api(site, api_key(services), "person-of-teller") as client,
    ):
        document = client.get("/openapi.json").json()
        schema = schemathesis.openapi.from_dict(document)
        operations = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
        assert len(operations) == sum(len(methods) for methods in document["paths"].values())
        for operation in operations:
            _explore(operation, site, dict(client.headers), connection_id)


def _explore(operation: object, site: str, headers: dict[str, str], connection_id: str) -> None:
    known = {"Authorization": headers["authorization"], "Bank-Sync-User": headers["bank-sync-user"]}

    @given(case=operation.as_strategy())  # type: ignore[attr-defined]  # schemathesis' own type
    @seed(1)
    @hypothesis_settings(
        max_examples=_EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def call(case: object) -> None:
        parameters = case.path_parameters  # type: ignore[attr-defined]  # schemathesis' own type
        if parameters and "connection_id" in parameters and len(parameters["connection_id"]) % 2:
            parameters["connection_id"] = connection_id
        answer: Response = case.call(base_url=site, headers=known)  # type: ignore[attr-defined]
        assert answer.status_code not in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
        case.validate_response(answer, checks=CHECKS)  # type: ignore[attr-defined]

    call()
