"""What a person wants to connect, and where the person is.

Belongs here: the wish. Does not belong here: beginning and finishing a link (`sync.linking`).
"""

from __future__ import annotations

from dataclasses import dataclass

from bank_sync.storage.connections import StoredConnection


@dataclass(frozen=True, slots=True)
class LinkWish:
    """What a person wants to connect, and where the browser is.

    Attributes:
        redirect_url: where the provider sends the browser back to, for those that redirect.
        state: the one-time word inside `redirect_url`, which only this session's browser may bring back.
        session_id: the browser session; None for a link made for the embedding application.
        allow_another: a second login at a bank that is connected already.
        android_package: the application that the provider brings the person back to, in place of an address.
    """

    provider: str
    country: str
    institution_id: str | None = None
    institution_name: str | None = None
    redirect_url: str | None = None
    state: str | None = None
    session_id: str | None = None
    allow_another: bool = False
    android_package: str | None = None


def repair_wish(
    connection: StoredConnection,
    *,
    redirect_url: str | None,
    android_package: str | None = None,
    state: str | None = None,
    session_id: str | None = None,
) -> LinkWish:
    """To connect once more what is stored, from where the person is."""
    return LinkWish(
        provider=connection.provider,
        country="",
        institution_id=connection.institution_id,
        institution_name=connection.institution_name,
        redirect_url=redirect_url,
        android_package=android_package,
        state=state,
        session_id=session_id,
    )
