"""S20, F46: a person is forgotten, everywhere, whatever is under way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from bank_sync.domain.errors import BankSyncError, NotFound, ProviderError
from bank_sync.domain.models import Credential
from bank_sync.providers.base import Provider
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import connections, erasure
from bank_sync.storage.database import transaction
from bank_sync.storage.journal import record_audit
from bank_sync.storage.tables import metadata
from bank_sync.sync.erasing import Erased, erase_person, finish_erasures
from bank_sync.sync.onboarding import finish_link
from bank_sync.sync.recurring_streams import find_streams
from bank_sync.sync.webhooks import drain
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import LINKS
from bank_sync_tests.web.people import api, api_key, browser
from bank_sync_tests.web.signing import teller_signature

_MARTS = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "marts"


def counts(services: Services) -> dict[str, int]:
    """Rows of every table that an erasure deletes from."""
    with services.engine.connect() as db:
        return {
            name: db.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in erasure.DELETED
        }


def everything(services: Services) -> str:
    """All rows of all tables, as text."""
    with services.engine.connect() as db:
        rows = [
            str(db.execute(text(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {name} AS t")).scalar())
            for name in metadata.tables
        ]
    return "\n".join(rows)


def secret_of(services: Services, connection_id: str) -> Credential:
    """The connection's secret, as long as it is there."""
    with transaction(services.engine) as db:
        return connections.open_credential(db, services.cipher, connections.get_connection(db, connection_id))


def owner_of(services: Services, connection_id: str) -> str:
    """Whose connection it is."""
    with transaction(services.engine) as db:
        return connections.get_connection(db, connection_id).user_id


@pytest.fixture
def link_for(services: Services, sandbox: RunningSandbox) -> Callable[[str, str], str]:
    """Link a bank at a provider for a named person; gives the connection_id."""

    def linked(person: str, provider: str) -> str:
        proof = LINKS[provider](services, sandbox, person)
        return finish_link(services, provider, user_reference=person, proof=proof)

    return linked


@pytest.fixture
def stays(services: Services, link_for: Callable[[str, str], str]) -> str:
    """Somebody else's connection, synced."""
    connection_id = link_for("somebody-else", "teller")
    sync_connection(services, connection_id)
    return connection_id


def test_every_table_has_a_rule() -> None:
    """A new table without a rule of erasure fails here."""
    rules = [*erasure.DELETED, *erasure.SCRUBBED, *erasure.KEPT]
    assert sorted(rules) == sorted(metadata.tables)


def test_every_mart_names_its_person() -> None:
    """Rows of the analysts' tables are found by connection or person."""
    described = [path for path in sorted(_MARTS.glob("*.yml")) if "columns:" in path.read_text()]
    assert len(described) >= 8
    for path in described:
        named = re.findall(r"- name: (connection_id|user_id)$", path.read_text(), re.MULTILINE)
        assert named, path.name


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_erased(
    site: str, services: Services, link_for: Callable[[str, str], str], stays: str, provider: str
) -> None:
    """Through the API: revoked at the provider, signed out, and after the second step no row is left."""
    before = counts(services)
    connection_id = link_for("to-be-forgotten", provider)
    sync_connection(services, connection_id)
    assert find_streams(services, connection_id)
    secret = secret_of(services, connection_id)
    with services.engine.begin() as db:
        db.execute(text("CREATE TABLE analytics.fct_probe AS SELECT * FROM bank.transactions"))
    owner = owner_of(services, connection_id)
    with transaction(services.engine) as db:
        for actor in (owner, "user:to-be-forgotten", "to-be-forgotten", "operator"):
            record_audit(db, action="looked", actor=actor, connection_id=connection_id, details={"by": actor})
        record_audit(db, action="looked", actor=owner, connection_id=None, details={})
    visitor = browser(site, api_key(services), "to-be-forgotten")
    with api(site, api_key(services), "to-be-forgotten") as application:
        application.post(f"/connections/{connection_id}/sync").raise_for_status()
        answer = application.delete("/user")
        assert (answer.status_code, answer.json()) == (202, {"status": "erasing", "connections": 1})
        assert application.get("/connections").json() == []
    assert visitor.get("/connections").status_code == 401
    with pytest.raises(ProviderError):
        services.provider(provider).check_access(secret)
    with pytest.raises(NotFound):
        sync_connection(services, connection_id)
    assert finish_erasures(services) == Erased((connection_id,), 0)
    assert finish_erasures(services) == Erased((), 0)
    assert counts(services) == before
    left = everything(services)
    assert "somebody-else" in left
    for word in ("to-be-forgotten", owner, secret.provider_connection_id):
        assert word not in left
    with services.engine.connect() as db:
        query = text(
            "SELECT action, actor, details FROM bank.audit WHERE connection_id = :id ORDER BY audit_id"
        )
        told = db.execute(query, {"id": connection_id}).all()
        looked = [("looked", actor) for actor in ("person", "somebody", "somebody", "operator")]
        assert [(one.action, one.actor) for one in told] == [
            ("connect", "person"),
            *looked,
            ("erase", "person"),
        ]
        assert all(one.details == {} for one in told)
        probe = text("SELECT count(*) FROM analytics.fct_probe WHERE connection_id = :id")
        assert db.execute(probe, {"id": connection_id}).scalar() == 0
        assert db.execute(probe, {"id": stays}).scalar()


class Interrupted:
    """A provider during whose first page of transactions something happens."""

    def __init__(self, provider: Provider, happens: Callable[[], None]) -> None:
        self._provider, self._happens = provider, happens

    def __getattr__(self, name: str) -> object:
        return getattr(self._provider, name)

    def pull_transactions(self, *args: object, **kwargs: object) -> Iterator[object]:
        """The provider's own pages, with the interruption after the first."""
        for number, page in enumerate(self._provider.pull_transactions(*args, **kwargs)):  # type: ignore[arg-type]
            yield page
            if number == 0:
                self._happens()


@pytest.mark.parametrize("at_once", [True, False])
def test_f46_while_a_sync_is_under_way(
    services: Services,
    link_for: Callable[[str, str], str],
    stays: str,
    at_once: bool,  # noqa: FBT001 - a table
) -> None:
    """F46: a person is erased while a round is read: nobody waits, and the round comes to nothing."""
    before = counts(services)
    connection_id = link_for("to-be-forgotten", "plaid")
    with transaction(services.engine) as db:
        user_id = connections.get_connection(db, connection_id).user_id

    def erase() -> None:
        assert erase_person(services, user_id, by="test") == 1
        if at_once:
            finish_erasures(services, patience_s=0.05)

    provider = Interrupted(services.providers["plaid"], erase)
    interrupted = replace(services, providers={**services.providers, "plaid": provider})  # type: ignore[dict-item]
    with pytest.raises(BankSyncError):
        sync_connection(interrupted, connection_id)
    with services.engine.connect() as db:
        read = text("SELECT count(*) FROM raw.rounds WHERE connection_id = :id AND part = 'transactions'")
        assert db.execute(read, {"id": connection_id}).scalar() == 0
    finish_erasures(services)
    assert counts(services) == before
    assert stays


def test_writer_that_was_there_before(services: Services, link_for: Callable[[str, str], str]) -> None:
    """F46: whoever writes for the person already is waited for, not long, and then deleted with the rest."""
    before = counts(services)
    connection_id = link_for("to-be-forgotten", "plaid")
    with transaction(services.engine) as db:
        user_id = connections.get_connection(db, connection_id).user_id
    with services.engine.begin() as writer:
        store = "INSERT INTO raw.cursors (connection_id, cursor, moved_at) VALUES (:id, 'late', now())"
        writer.execute(text(store), {"id": connection_id})
        assert erase_person(services, user_id, by="test") == 1
        assert finish_erasures(services, patience_s=0.05) == Erased((), 1)
    assert finish_erasures(services) == Erased((connection_id,), 0)
    assert counts(services) == before


def test_webhook_of_an_erased_connection(
    site: str, services: Services, link_for: Callable[[str, str], str]
) -> None:
    """F15: a provider that still speaks of it is answered like any other, and starts nothing."""
    connection_id = link_for("to-be-forgotten", "teller")
    secret = secret_of(services, connection_id)
    with transaction(services.engine) as db:
        user_id = connections.get_connection(db, connection_id).user_id
    body = json.dumps(
        {
            "id": "wh_1",
            "type": "enrollment.disconnected",
            "payload": {"enrollment_id": secret.provider_connection_id, "reason": "disconnected"},
        }
    ).encode()
    for step in ("alive", "ended", "deleted"):
        if step == "ended":
            erase_person(services, user_id, by="test")
        elif step == "deleted":
            finish_erasures(services)
        told = body.replace(b"wh_1", f"wh_{step}".encode())
        at = int(services.clock().timestamp())
        signature = teller_signature(told, at, services.settings.teller_webhook_secret_list()[0])
        answer = httpx.post(f"{site}/webhooks/teller", content=told, headers={"Teller-Signature": signature})
        assert answer.status_code == 200
        drained = drain(services, runs_of=lambda _: {}, partitions=frozenset)
        assert bool(drained.wanted) == (step == "alive")


def test_provider_that_does_not_answer(settings: Settings, link_for: Callable[[str, str], str]) -> None:
    """A link that cannot be revoked just now would go on for ever: nothing is erased until it can be."""
    connection_id = link_for("to-be-forgotten", "teller")
    values = {name: getattr(settings, name) for name in settings.model_fields_set}
    with open_services(load_settings(**values | {"sandbox_url": "http://127.0.0.1:9"})) as alone:
        before = counts(alone)
        with transaction(alone.engine) as db:
            user_id = connections.get_connection(db, connection_id).user_id
        with pytest.raises(ProviderError):
            erase_person(alone, user_id, by="test")
        assert counts(alone) == before
        assert finish_erasures(alone) == Erased((), 0)
