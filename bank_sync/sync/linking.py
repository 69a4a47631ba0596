"""A person's try to connect or repair a bank, from the first click to a stored connection.

Belongs here: beginning it at the provider, bringing it to an end once. Does not belong here: tries
nobody finished (`sync.abandoned`), wishes (`sync.link_wishes`), recognising what a new link is
(`sync.onboarding`), pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ulid import ULID

from bank_sync.domain.errors import BankSyncError, ProviderError
from bank_sync.domain.models import ConnectionState, LinkStart
from bank_sync.security.tokens import hash_token
from bank_sync.services import Services
from bank_sync.storage import connections, journal, link_attempts, owned
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.storage.link_attempts import LinkAttempt
from bank_sync.sync import recovery
from bank_sync.sync.link_wishes import LinkWish
from bank_sync.sync.onboarding import LinkUnclear, finish_link

_GOOD_FOR = timedelta(minutes=30)


class LinkEnded(BankSyncError):
    """This try was finished, failed or given up before; a new one has to be begun."""


class AlreadyLinked(BankSyncError):
    """The person has this bank already; the message goes to the application.

    Raised before anything is exchanged, so that nothing has to be undone.
    """

    def __init__(self, connection_ids: tuple[str, ...]) -> None:
        self.connection_ids = connection_ids
        super().__init__(
            "This bank is connected already. Repair that connection, or ask again with allow_another "
            "for a second login."
        )


def start_new(services: Services, user_id: str, wish: LinkWish) -> LinkAttempt:
    """Begin a new link.

    Raises:
        AlreadyLinked: the person has this bank, and did not ask for another login there.
        ProviderError: the provider refused.
        SettingsError: the provider is not configured.
    """
    provider = services.provider(wish.provider)
    with transaction(services.engine) as db:
        stored = owned.owned_connections(db, user_id)
    twins = [one.connection_id for one in stored if _is_same_bank(one, wish)]
    if twins and not wish.allow_another:
        raise AlreadyLinked(tuple(twins))
    start = provider.start_link(
        user_reference=user_id,
        institution_id=wish.institution_id,
        country=wish.country,
        redirect_url=wish.redirect_url,
        android_package=wish.android_package,
    )
    return _remember(services, user_id, wish, start, connection_id=None, is_repair=False)


def start_repair(services: Services, connection: StoredConnection, wish: LinkWish) -> LinkAttempt:
    """Begin to make a broken connection work again; the provider keeps the link where it can.

    Of the wish only where the person is counts: `link_wishes.repair_wish` makes one.

    Raises:
        ProviderError: the provider refused.
        SettingsError: the provider is not configured.
        NotFound: the connection has no credential any more.
    """
    provider = services.provider(connection.provider)
    with transaction(services.engine) as db:
        credential = connections.open_credential(db, services.cipher, connection)
    start = provider.start_repair(
        credential, redirect_url=wish.redirect_url, android_package=wish.android_package
    )
    is_repair = start is not None
    if start is None:
        start = provider.start_link(
            user_reference=connection.user_id,
            institution_id=connection.institution_id,
            country="",
            redirect_url=wish.redirect_url,
            android_package=wish.android_package,
        )
    return _remember(
        services, connection.user_id, wish, start, connection_id=connection.connection_id, is_repair=is_repair
    )


def finish(services: Services, attempt: LinkAttempt, *, user_reference: str, proof: Mapping[str, str]) -> str:
    """Bring a try to its end with what the browser brought back; returns the connection_id.

    Finishing one that is finished gives the same connection again.

    Raises:
        LinkEnded: it failed or was given up before.
        ProviderError: `Recovery.RETRY_AT` while the person is still at the bank: try again later.
        LinkUnclear: a person has to say what the link is; it is stored meanwhile.
        NotFound: the link belongs to another person.
    """
    if attempt.state == "finished" and attempt.connection_id:
        return attempt.connection_id
    if attempt.state != "open" or attempt.ends_at <= services.clock():
        raise LinkEnded("This link is over. Begin a new one.")
    try:
        connection_id = finish_at_provider(services, attempt, user_reference, proof)
    except LinkUnclear as unclear:
        close(services, attempt, "finished", connection_id=unclear.connection_id)
        raise
    except ProviderError as error:
        if not error.is_transient:
            close(services, attempt, "failed", error_code=error.code)
        raise
    close(services, attempt, "finished", connection_id=connection_id)
    return connection_id


def give_up(services: Services, attempt: LinkAttempt, code: str) -> None:
    """The person left, or the provider said that it failed."""
    close(services, attempt, "failed", error_code=code[:100])


def _is_same_bank(stored: StoredConnection, wish: LinkWish) -> bool:
    same = stored.provider == wish.provider and stored.institution_id == wish.institution_id
    return same and wish.institution_id is not None and stored.state is not ConnectionState.REVOKED


def _remember(
    services: Services,
    user_id: str,
    wish: LinkWish,
    start: LinkStart,
    *,
    connection_id: str | None,
    is_repair: bool,
) -> LinkAttempt:
    now = services.clock()
    attempt = LinkAttempt(
        attempt_id=f"link_{str(ULID()).lower()}",
        user_id=user_id,
        session_id=wish.session_id,
        provider=wish.provider,
        institution_id=wish.institution_id,
        institution_name=wish.institution_name,
        connection_id=connection_id,
        is_repair=is_repair,
        start=_for_the_browser(start),
        reference=start.reference,
        state="open",
        error_code=None,
        created_at=now,
        ends_at=_ends_at(start, now),
    )
    with transaction(services.engine) as db:
        link_attempts.add_attempt(db, attempt, state_hash=hash_token(wish.state) if wish.state else None)
    return attempt


def _ends_at(start: LinkStart, now: datetime) -> datetime:
    """Half an hour, or less where the provider allows less."""
    return min(now + _GOOD_FOR, start.expires_at or now + _GOOD_FOR)


def _for_the_browser(start: LinkStart) -> dict[str, str]:
    told = {"kind": start.kind, "token": start.token, "url": start.url, "enrollment_id": start.enrollment_id}
    if start.kind == "teller_connect":
        told["nonce"] = start.reference
    return {name: value for name, value in told.items() if value is not None}


def finish_at_provider(
    services: Services, attempt: LinkAttempt, user_reference: str, proof: Mapping[str, str]
) -> str:
    """Hand the proof to the provider, whatever the state of the try; returns the connection_id."""
    whole = {**proof, "requisition_id": attempt.reference, "nonce": attempt.reference}
    if attempt.institution_name:
        whole.setdefault("institution_name", attempt.institution_name)
    if attempt.is_repair and attempt.provider == "plaid":  # update mode exchanges nothing
        return _repaired(services, attempt)
    return finish_link(services, attempt.provider, user_reference=user_reference, proof=whole)


def _repaired(services: Services, attempt: LinkAttempt) -> str:
    """The provider says that the login works: the connection is due, and its next sync will tell."""
    connection_id, now = attempt.connection_id or "", services.clock()
    with transaction(services.engine) as db:
        connection = owned.owned_connection(db, attempt.user_id, connection_id)
        connections.update_connection(
            db,
            connection_id,
            state=ConnectionState.PENDING_REFRESH,
            error_code=None,
            error_recovery=None,
            next_sync_at=now,
        )
        recovery.note_success(db, connection)
        journal.record_audit(
            db, action="repair", actor=attempt.user_id, connection_id=connection_id,
            details={"provider": connection.provider},
        )  # fmt: skip
    return connection_id


def close(
    services: Services,
    attempt: LinkAttempt,
    state: str,
    *,
    connection_id: str | None = None,
    error_code: str | None = None,
) -> None:
    """Note how a try ended; the first end counts."""
    with transaction(services.engine) as db:
        link_attempts.end_attempt(
            db, attempt.attempt_id, state, connection_id=connection_id, error_code=error_code
        )
