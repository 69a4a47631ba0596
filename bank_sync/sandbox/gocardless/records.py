"""What GoCardless remembers: agreements, requisitions, and which account id stands for which account."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.errors import not_a_uuid
from bank_sync.sandbox.state import Table


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a customer agrees to; `accepted_at` is None until they do, `ended_at` unless it ended early."""

    id: str
    created_at: datetime
    institution_id: str
    max_historical_days: int
    access_valid_for_days: int
    access_scope: tuple[str, ...]
    reconfirmation: bool
    accepted_at: datetime | None
    ended_at: datetime | None = None

    def expires_at(self) -> datetime | None:
        """When consent runs out; None while it has not been given."""
        if self.ended_at is not None:
            return self.ended_at
        return self.accepted_at and self.accepted_at + timedelta(days=self.access_valid_for_days)

    def is_expired(self, now: datetime) -> bool:
        """Whether consent was given and has run out."""
        ends = self.expires_at()
        return ends is not None and ends <= now


@dataclass(frozen=True, slots=True)
class Requisition:
    """One customer's way through consent, and the accounts it led to."""

    id: str
    created_at: datetime
    redirect: str
    institution_id: str
    agreement_id: str
    reference: str
    status: str
    user_language: str
    ssn: str | None
    account_selection: bool
    redirect_immediate: bool
    user_key: str
    account_ids: tuple[str, ...]
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    """The account id a requisition gave to one account of the world."""

    id: str
    requisition_id: str
    account_key: str
    created_at: datetime


def agreements(context: Context) -> Table[Agreement]:
    """All agreements, by id."""
    return context.store.table("gocardless_agreements", Agreement)


def requisitions(context: Context) -> Table[Requisition]:
    """All requisitions, by id."""
    return context.store.table("gocardless_requisitions", Requisition)


def linked_accounts(context: Context) -> Table[LinkedAccount]:
    """All linked accounts, by id."""
    return context.store.table("gocardless_accounts", LinkedAccount)


def require_uuid(noun: str, text: str) -> str:
    """The id from a path, once it has proved to be a UUID.

    Raises:
        GoCardlessError: 400.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise not_a_uuid(noun, text) from None


def instant(moment: datetime) -> str:
    """An instant as GoCardless writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
