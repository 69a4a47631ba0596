"""What Plaid remembers: link tokens, public tokens and Items."""

from dataclasses import dataclass
from datetime import datetime

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.state import Table


@dataclass(frozen=True, slots=True)
class LinkToken:
    """One wish to link (or, with an `access_token`, to repair) and how it ended."""

    token: str
    client_name: str
    client_user_id: str
    language: str
    country_codes: tuple[str, ...]
    products: tuple[str, ...]
    days_requested: int
    webhook: str | None
    redirect_uri: str | None
    completion_redirect_uri: str | None
    access_token: str | None
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    public_token: str | None
    exit_error: str | None = None


@dataclass(frozen=True, slots=True)
class PublicToken:
    """The proof of a finished Link session, good for one exchange."""

    token: str
    institution_id: str
    user_key: str
    products: tuple[str, ...]
    days_requested: int
    webhook: str | None
    created_at: datetime
    is_used: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One login at one institution.

    `linked_serial` is the number given last when it was linked: commands with higher ones came later. Of its
    history the newest days show first; the older ones stand in the change log at `history_at`, once
    `history_serial` was given. `stage` fixes the state of its first update, `renewed` lists accounts once for
    each new id, `cursor_age` counts how often cursors were lost, `mutations` the paging loops to be upset.
    """

    item_id: str
    access_token: str
    institution_id: str
    user_key: str
    products: tuple[str, ...]
    days_requested: int
    webhook: str | None
    linked_at: datetime
    is_login_required: bool
    is_revoked: bool = False
    linked_serial: int = 0
    is_initial_served: bool = False
    history_at: datetime | None = None
    history_serial: int = 0
    stage: str | None = None
    renewed: tuple[str, ...] = ()
    cursor_age: int = 0
    mutations: int = 0


def link_tokens(context: Context) -> Table[LinkToken]:
    """All link tokens, by token."""
    return context.store.table("plaid_link_tokens", LinkToken)


def public_tokens(context: Context) -> Table[PublicToken]:
    """All public tokens, by token."""
    return context.store.table("plaid_public_tokens", PublicToken)


def items(context: Context) -> Table[Item]:
    """All living Items, by access token."""
    return context.store.table("plaid_items", Item)
