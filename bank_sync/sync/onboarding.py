"""Linking a bank: from what the browser brings back to a stored connection.

Belongs here: finishing a link, and recognising one that renews an old connection. Does not belong here: the
pages a person sees and a provider's own link protocol (`providers`), the judgement itself (`sync.relink`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from bank_sync.domain.errors import BankSyncError, NotFound, ProviderError
from bank_sync.domain.models import AccountFailure, AccountRecord, AskedBy, Credential
from bank_sync.providers.failures import as_provider_error
from bank_sync.services import Services
from bank_sync.storage import connections, journal, raw_pages, relinks
from bank_sync.storage.account_keys import known_keys
from bank_sync.storage.accounts import outlines
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync import recovery
from bank_sync.sync.relink import Recognised, Verdict, recognise


class LinkUnclear(BankSyncError):
    """A new link shares accounts with stored connections without being clearly one of them.

    The link is stored apart and is not synced until `settle_link` says what it is.
    """

    def __init__(self, connection_id: str, candidates: tuple[str, ...]) -> None:
        self.connection_id = connection_id
        self.candidates = candidates
        named = " or ".join(candidates)
        super().__init__(
            f"The new link {connection_id} shares accounts with {named}. Say which it renews: "
            f"`bank-sync connections settle {connection_id} --renews ID`, or `--separate`."
        )


def finish_link(
    services: Services, provider_name: str, *, user_reference: str, proof: Mapping[str, str]
) -> str:
    """Exchange the proof and store the connection with its sealed secret; returns the connection_id.

    `proof` is described at `Provider.complete_link`; `user_reference` is the embedding application's opaque
    name of the person. A link to accounts that are stored already renews their connection: connection_id,
    accounts, rows and edits stay, and the old link is given up at the provider.

    Raises:
        ProviderError: the proof is used up, expired or not finished.
        NotFound: the link already belongs to another person.
        LinkUnclear: a person has to say what the link is; it is stored meanwhile.
    """
    linked = services.provider(provider_name).complete_link(proof)
    with transaction(services.engine) as db:
        user_id = connections.ensure_user(db, user_reference, now=services.clock())
        siblings = relinks.at_same_bank(db, user_id=user_id, provider=provider_name, linked=linked)
        connection_id = connections.add_connection(
            db, services.cipher, user_id=user_id, provider=provider_name, linked=linked, now=services.clock()
        )
        connection = connections.get_connection(db, connection_id)
        recovery.note_success(db, connection)  # what the old login had failed with is over
        _audit(db, "connect", user_id, connection)
        if siblings:
            relinks.mark_unclear(db, connection_id)
    if not siblings:
        return connection_id
    return recognise_link(services, connection_id, [one.connection_id for one in siblings], by=user_id)


def recognise_link(services: Services, connection_id: str, siblings: Sequence[str], *, by: str) -> str:
    """Compare a new link's accounts with those of other connections and settle what is clear.

    Returns:
        The connection_id of the connection it renews, or its own.

    Raises:
        LinkUnclear: a person has to say, also when the accounts could not be read just now.
    """
    with transaction(services.engine) as db:
        stored = {one: known_keys(db, one) for one in siblings}
        failing = {one for one in siblings if connections.get_connection(db, one).error_code}
    stillborn = {one for one in failing if not stored[one]}
    try:
        told = _accounts_at_provider(services, connection_id)
        found = recognise({one.stable_key for one in told}, stored, stillborn=stillborn)
        alike = _alike(services, told, siblings)
        if found.verdict is Verdict.NEW and alike:  # another name, the same numbers: nobody can tell
            found = Recognised(Verdict.UNCLEAR, alike)
    except ProviderError:
        found = Recognised(Verdict.UNCLEAR, tuple(siblings))
    if found.verdict is Verdict.UNCLEAR:
        raise LinkUnclear(connection_id, found.connection_ids)
    renews = found.connection_ids[0] if found.verdict is Verdict.SAME else None
    return settle_link(services, connection_id, renews=renews, by=by)


def settle_link(services: Services, connection_id: str, *, renews: str | None, by: str) -> str:
    """Say what an unclear link is: the renewal of a connection, or a separate one. Returns the connection_id.

    Raises:
        NotFound: there is no such connection, or it does not wait to be settled.
    """
    with transaction(services.engine) as db:
        if renews is None:
            relinks.mark_separate(db, connection_id, now=services.clock())
            return connection_id
        connection = connections.get_connection(db, renews)
        old = _old_credential(db, services, connection)
        linked = relinks.take_apart(db, services.cipher, connections.get_connection(db, connection_id))
        relinks.renew_link(db, services.cipher, renews, linked, now=services.clock())
        recovery.note_success(db, connection)
        raw_pages.forget_cursor(db, renews)
        _audit(db, "relink", by, connection)
    if old is not None:
        _give_up(services, old, by)
    return renews


def _old_credential(db: Connection, services: Services, connection: StoredConnection) -> Credential | None:
    """None where the person had ended the connection: its link is gone already."""
    try:
        return connections.open_credential(db, services.cipher, connection)
    except NotFound:
        return None


def _alike(services: Services, told: Sequence[AccountRecord], siblings: Sequence[str]) -> tuple[str, ...]:
    """Connections with an account that ends in the same characters as a told one, in the same currency."""
    numbers = {(one.mask, one.currency) for one in told}
    with transaction(services.engine) as db:
        return tuple(one for one in siblings if outlines(db, one) & numbers)


def _accounts_at_provider(services: Services, connection_id: str) -> list[AccountRecord]:
    """All accounts of a link as the provider tells them.

    Raises:
        ProviderError: also when a single account could not be read: a part of the list says nothing.
    """
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        credential = connections.open_credential(db, services.cipher, connection)
    provider = services.provider(connection.provider)
    told: list[AccountRecord] = []
    for page in provider.pull_accounts(credential, asked_by=AskedBy.PERSON):
        if isinstance(page, AccountFailure):
            raise as_provider_error(provider.name, page)
        told += [one for one in provider.read_accounts(page) if isinstance(one, AccountRecord)]
    return told


def _give_up(services: Services, old: Credential, actor: str) -> None:
    """The old link still costs and still reads; a provider that does not answer must not undo the new one."""
    try:
        services.provider(old.provider).end_link(old)
    except ProviderError as error:
        with transaction(services.engine) as db:
            details = {"provider": old.provider, "code": error.code}
            journal.record_audit(
                db, action="end_link_failed", actor=actor, connection_id=old.connection_id, details=details
            )


def _audit(db: Connection, action: str, actor: str, connection: StoredConnection) -> None:
    details = {"provider": connection.provider, "institution": connection.institution_name}
    journal.record_audit(
        db, action=action, actor=actor, connection_id=connection.connection_id, details=details
    )
