"""Scripted people for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.stateful.bank import Bank
from bank_sync_tests.sync.scripted import Person


@pytest.fixture
def bank(sandbox: RunningSandbox) -> Iterator[Bank]:
    """The door to the pretend banks."""
    with closing(Bank(sandbox.url)) as opened:
        yield opened


@pytest.fixture
def meet(services: Services, clock: Clock, link: Callable[..., str], bank: Bank) -> Callable[..., Person]:
    """Link a scripted person's bank and sync it for the first time."""

    def met(provider: str, user: str = "script") -> Person:
        connection_id = link(provider, user)
        sync_connection(services, connection_id)
        with services.engine.connect() as db:
            connection = connections.get_connection(db, connection_id)
            token = connections.open_credential(db, services.cipher, connection).secret
        accounts = bank.truth(provider, token)
        account = str(accounts[0]["provider_account_id"])
        return Person(services, clock, bank, provider, connection_id, token, account)

    return met
