"""A key, people and their browsers, for the tests of the API and the pages."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from bank_sync.services import Services
from bank_sync.storage.api_keys import Scope, create_key
from bank_sync.storage.database import transaction

_OPEN: list[httpx.Client] = []


def close_browsers() -> None:
    """At the end of a test."""
    while _OPEN:
        _OPEN.pop().close()


def api_key(services: Services, *scopes: Scope) -> str:
    """A fresh key, good for everything unless told otherwise."""
    with transaction(services.engine) as db:
        return create_key(db, "test", frozenset(scopes or Scope), now=services.clock())[1]


def api(site: str, key: str, person: str) -> httpx.Client:
    """The embedding application, acting for a person."""
    headers = {"Authorization": f"Bearer {key}", "Bank-Sync-User": person}
    return httpx.Client(base_url=f"{site}/api/v1", headers=headers, timeout=30)


def browser(site: str, key: str, person: str, page: str = "connections") -> httpx.Client:
    """A person's browser after opening the address the application gave out."""
    with api(site, key, person) as application:
        url = application.post("/sessions", json={"page": page}).raise_for_status().json()["url"]
    client = httpx.Client(base_url=site, headers={"Origin": site, "Accept": "text/html"}, timeout=30)
    _OPEN.append(client)
    answer = client.get(url)
    assert answer.status_code == 303, answer.text
    return client


def form_token(client: httpx.Client, path: str = "/connections") -> str:
    """The word in the forms of this session's pages."""
    found = re.search(r'name="form-token" content="([0-9a-f]+)"', client.get(path).text)
    assert found is not None
    return found.group(1)


def post_form(client: httpx.Client, path: str, fields: Mapping[str, str] | None = None) -> httpx.Response:
    """A form of one of our pages, sent as the page would."""
    return client.post(path, data={"form_token": form_token(client), **(fields or {})})
