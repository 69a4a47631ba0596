"""Linking at Plaid: institutions, link tokens, and the exchange.

Belongs here: everything before there is an Item, and its repair. Does not belong here: reading an Item
(`plaid.client`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bank_sync.domain.linking import Institution
from bank_sync.domain.models import Credential, Linked, LinkStart
from bank_sync.providers.plaid import wire
from bank_sync.providers.rows import checked_envelope

_PROVIDER = "plaid"
_COUNTRIES = frozenset(
    "US CA GB IE FR ES NL DE IT PL DK NO SE EE LT LV PT BE AT FI".split()  # noqa: SIM905 - reads as a table
)
_MOST_LISTED = 50


class Call(Protocol):
    """Plaid's RPC as `plaid.client` makes it."""

    def __call__(self, path: str, wish: Mapping[str, object], *, repeatable: bool = True) -> object:
        """The decoded answer."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where a person comes back to from a bank's own pages; Plaid takes one of the two.

    Attributes:
        redirect_url: of a page, or the universal link of an iOS application.
        android_package: name of an Android application.
    """

    redirect_url: str | None = None
    android_package: str | None = None

    def fields(self) -> dict[str, object]:
        """As Plaid names them."""
        told = {"redirect_uri": self.redirect_url, "android_package_name": self.android_package}
        return {name: value for name, value in told.items() if value is not None}


class LinkFlow:
    """Starts, completes and repairs Items.

    Args:
        call: the API.
        client_name: what people see in Link, at most 30 characters.
        history_days: asked for at link time, 1 to 730; Plaid never widens it afterwards.
        webhook_url: where Plaid tells about new Items; None leaves them to the schedule.
    """

    def __init__(self, call: Call, client_name: str, history_days: int, webhook_url: str | None) -> None:
        self._call = call
        self._client_name = client_name
        self._history_days = history_days
        self._webhook_url = webhook_url

    def find_institutions(self, country: str, query: str) -> list[Institution]:
        """Institutions of a country by a part of their name; some of them where the query is empty."""
        if country not in _COUNTRIES:
            return []
        wish: dict[str, object] = {"country_codes": [country]}
        if query:
            value = self._call("/institutions/search", wish | {"query": query, "products": ["transactions"]})
        else:
            value = self._call("/institutions/get", wish | {"count": _MOST_LISTED, "offset": 0})
        found = checked_envelope(wire.InstitutionsAnswer, value, _PROVIDER).institutions
        return [Institution(_PROVIDER, one.institution_id, one.name, country) for one in found]

    def start(
        self, user_reference: str, institution_id: str | None, country: str, back: WayBack
    ) -> LinkStart:
        """A token for Plaid Link, good for four hours."""
        wish = self._wish(user_reference, back) | {
            "country_codes": [country.upper()],
            "products": ["transactions"],
            "transactions": {"days_requested": self._history_days},
        }
        if institution_id is not None:
            wish["institution_id"] = institution_id
        if self._webhook_url is not None:
            wish["webhook"] = self._webhook_url
        return self._started(wish, user_reference)

    def start_repair(self, credential: Credential, back: WayBack) -> LinkStart:
        """A token for Link in update mode, good for half an hour; the Item stays, so nothing is exchanged."""
        wish = self._wish(credential.connection_id, back) | {
            "country_codes": sorted(_COUNTRIES),
            "access_token": credential.secret,
        }
        return self._started(wish, credential.connection_id)

    def complete(self, proof: Mapping[str, str]) -> Linked:
        """Exchange `public_token`; `institution_name` of the browser fills in where the item has none."""
        wish = {"public_token": proof.get("public_token", "")}
        value = self._call("/item/public_token/exchange", wish, repeatable=False)
        exchanged = checked_envelope(wire.ExchangeAnswer, value, _PROVIDER)
        value = self._call("/item/get", {"access_token": exchanged.access_token})
        item = checked_envelope(wire.ItemAnswer, value, _PROVIDER).item
        name = item.institution_name or proof.get("institution_name") or item.institution_id
        return Linked(
            provider_connection_id=exchanged.item_id,
            secret=exchanged.access_token,
            institution_id=item.institution_id,
            institution_name=name or "Bank",
            consent_expires_at=item.consent_expiration_time,
            history_days=self._history_days,
        )

    def _wish(self, user_reference: str, back: WayBack) -> dict[str, object]:
        return {
            "client_name": self._client_name,
            "language": "en",
            "user": {"client_user_id": user_reference},
            **back.fields(),
        }

    def _started(self, wish: Mapping[str, object], reference: str) -> LinkStart:
        answer = checked_envelope(wire.LinkTokenAnswer, self._call("/link/token/create", wish), _PROVIDER)
        return LinkStart(
            kind="plaid_link", reference=reference, token=answer.link_token, expires_at=answer.expiration
        )
