"""What the API speaks.

Belongs here: the bodies, as published in the OpenAPI document. No secret and no number of an account is among
them, and a field that is not here is not sent.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["US"])]
ProviderName = Literal["plaid", "teller", "gocardless"]
SyncState = Literal["idle", "queued", "in_progress", "completed", "failed"]


class Wish(BaseModel):
    """What is sent to us: a field we do not know is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Fault(BaseModel):
    """What went wrong."""

    code: str
    message: str
    fields: list[dict[str, str]] | None = None
    connection_ids: list[str] | None = None


class ErrorBody(BaseModel):
    """The shape of every refusal."""

    error: Fault


class InstitutionBody(BaseModel):
    """A bank as one provider offers it."""

    provider: ProviderName
    institution_id: str
    name: str
    country: str


class _WayBackWish(Wish):
    """Where the person comes back to from a bank's own pages, by one of two ways."""

    redirect_url: Annotated[
        str | None,
        Field(
            max_length=500,
            pattern=r"^(https://|http://(localhost|127\.0\.0\.1)[:/])[\x21-\x7e]*$",
            description="Where the provider sends the browser back to, or the universal link of an iOS "
            "application; GoCardless needs it.",
        ),
    ] = None
    android_package: Annotated[
        str | None,
        Field(
            max_length=200,
            pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$",
            description="Name of the Android application, in place of redirect_url; Plaid alone takes one.",
        ),
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.redirect_url is not None and self.android_package is not None:
            raise PydanticCustomError("two_ways_back", "Send redirect_url or android_package.")
        return self


class NewLinkWish(_WayBackWish):
    """A link that your own application walks the person through."""

    provider: ProviderName
    country: Country = "US"
    institution_id: Name | None = None
    allow_another: bool = Field(
        default=False, description="A second login at a bank that is connected already."
    )


class RepairWish(_WayBackWish):
    """A repair that your own application walks the person through."""


class SettleWish(Wish):
    """What a link is that resembles a connection."""

    renews: Annotated[
        Name | None,
        Field(description="The connection it is another link to; null where it is one of its own."),
    ]


class LinkBody(BaseModel):
    """What Plaid Link, Teller Connect or a browser needs to begin; good for minutes."""

    link_id: str
    kind: Literal["plaid_link", "teller_connect", "redirect"]
    token: str | None = Field(None, description="Plaid's link token, or Teller's application id.")
    url: str | None = Field(None, description="Where to send the browser.")
    nonce: str | None = None
    enrollment_id: str | None = None
    expires_at: datetime


class LinkProof(Wish):
    """What the browser brought back; GoCardless needs nothing."""

    public_token: Name | None = None
    access_token: Name | None = None
    enrollment_id: Name | None = None
    user_id: Name | None = None
    signatures: Annotated[list[Name], Field(max_length=8)] = []
    institution_name: Name | None = None


class ConnectionBody(BaseModel):
    """One connection."""

    connection_id: str
    provider: ProviderName
    institution_id: str | None
    institution_name: str
    state: Literal["connected", "pending_refresh", "disconnected", "error", "revoked", "erased"]
    sync_state: SyncState
    needs_repair: bool
    error_code: str | None
    transactions: int
    linked_at: datetime
    first_synced_at: datetime | None
    last_synced_at: datetime | None
    next_sync_at: datetime | None
    consent_expires_at: datetime | None


class AccountBody(BaseModel):
    """One account; `current` is in our sign (what is owed is negative), as text with its digits."""

    account_id: str
    name: str
    mask: str | None
    type: str
    subtype: str | None
    state: str
    current: Decimal | None
    currency: str
    transactions: int


class AskedBody(BaseModel):
    """What became of a wish to sync now."""

    connection_id: str
    outcome: Literal["queued", "already_queued", "later", "needs_repair", "ended"]
    earliest_at: datetime | None = None


class PendingBody(BaseModel):
    """The person is still at the bank: ask again."""

    status: Literal["pending"] = "pending"
    retry_after_s: int


class PartBody(BaseModel):
    """How the newest attempt at one part of a sync went."""

    part: str
    outcome: str
    error_code: str | None
    finished_at: datetime


class SyncBody(BaseModel):
    """How the sync of a connection stands."""

    connection_id: str
    sync_state: SyncState
    needs_repair: bool
    error_code: str | None
    transactions: int
    first_synced_at: datetime | None
    last_synced_at: datetime | None
    next_sync_at: datetime | None
    next_sync_reason: str | None
    may_be_asked_at: datetime | None = Field(
        description="When a person may ask again, where the bank allows no more reads before."
    )
    parts: list[PartBody]


class EditWish(Wish):
    """A person's words about a transaction; a field that is not sent stays, null takes it back."""

    category_primary: Name | None = None
    category_detailed: Name | None = None
    note: Annotated[str | None, Field(max_length=2_000)] = None
    is_hidden: bool | None = None


class EditBody(BaseModel):
    """The person's words as they stand now."""

    transaction_id: str
    category_primary: str | None
    category_detailed: str | None
    note: str | None
    is_hidden: bool
