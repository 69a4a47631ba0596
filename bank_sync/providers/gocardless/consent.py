"""The consent flow: institution, agreement, requisition, and what came of it.

Belongs here: asking for the most a bank allows and stepping down when it refuses. Does not belong here:
reading accounts (`gocardless.client`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.linking import Institution as Linkable
from bank_sync.domain.models import Access, Linked, LinkStart
from bank_sync.providers.addresses import segment
from bank_sync.providers.gocardless.api import GoCardlessApi
from bank_sync.providers.gocardless.wire import Agreement, Institution, NewRequisition, Requisition
from bank_sync.providers.rows import checked_envelope

_PROVIDER = "gocardless"
_LONGEST_ACCESS_DAYS = 180
_DEFAULT_DAYS = 90
_STATUS_POLL_S = 5.0
_ONE_TIME_HISTORY = "separate_continuous_history_consent"
_SCOPES = ["balances", "details", "transactions"]


class ConsentFlow:
    """Starts and completes requisitions.

    Args:
        api: the API.
        history_days: the most to ask for.
        new_reference: makes the part of a reference that no other requisition has.
    """

    def __init__(self, api: GoCardlessApi, history_days: int, new_reference: Callable[[], str]) -> None:
        self._api = api
        self._history_days = history_days
        self._new_reference = new_reference

    def find_institutions(self, country: str, query: str) -> list[Linkable]:
        """Banks of a country by a part of their name; a country GoCardless does not serve has none."""
        try:
            value = self._api.get("/institutions/", {"country": country.lower()})
        except ProviderError as error:
            if error.recovery is not Recovery.BUG:
                raise
            return []
        rows = value if isinstance(value, list) else []
        found = [checked_envelope(Institution, row, _PROVIDER) for row in rows]
        return [
            Linkable(_PROVIDER, one.id, one.name, country)
            for one in found
            if query.casefold() in one.name.casefold()
        ]

    def start(self, user_reference: str, institution_id: str | None, redirect_url: str | None) -> LinkStart:
        """Agreement and requisition for one person at one bank.

        Raises:
            ProviderError: refused, or the institution or the address to come back to is missing.
        """
        if not institution_id or not redirect_url:
            code = "institution_missing" if not institution_id else "redirect_url_missing"
            raise ProviderError(provider=_PROVIDER, code=code, recovery=Recovery.BUG)
        agreement = self._agree(self._institution(institution_id))
        wish = {
            "redirect": redirect_url,
            "institution_id": institution_id,
            "agreement": agreement.id,
            "reference": f"{user_reference}:{self._new_reference()}",
        }
        value = self._api.call("POST", "/requisitions/", json=wish, repeatable=False)
        requisition = checked_envelope(NewRequisition, value, _PROVIDER)
        return LinkStart(kind="redirect", reference=requisition.id, url=requisition.link)

    def complete(self, requisition_id: str) -> Linked:
        """What a finished requisition opens.

        Raises:
            ProviderError: `Recovery.RETRY_AT` while the person is at the bank, `Recovery.RELINK` when the
                requisition was refused or has expired.
        """
        requisition = linked_requisition(self._api, requisition_id)
        institution = self._institution(requisition.institution_id)
        agreement = self._accepted_agreement(requisition)
        return Linked(
            provider_connection_id=requisition.id,
            secret=requisition.id,
            institution_id=institution.id,
            institution_name=institution.name,
            consent_expires_at=_ends_at(agreement),
            history_days=agreement.max_historical_days if agreement else None,
        )

    def check(self, requisition_id: str, now: datetime) -> Access:
        """Whether a linked requisition still opens its accounts, and until when.

        Raises:
            ProviderError: `Recovery.REAUTH_USER` when the consent has ended, `Recovery.RELINK` when the
                requisition is no longer linked.
        """
        requisition = linked_requisition(self._api, requisition_id)
        ends_at = _ends_at(self._accepted_agreement(requisition))
        if ends_at is not None and ends_at <= now:
            raise ProviderError(provider=_PROVIDER, code="agreement_expired", recovery=Recovery.REAUTH_USER)
        return Access(ends_at)

    def _institution(self, institution_id: str) -> Institution:
        value = self._api.get(f"/institutions/{segment(institution_id)}/")
        return checked_envelope(Institution, value, _PROVIDER)

    def _accepted_agreement(self, requisition: Requisition) -> Agreement | None:
        if requisition.agreement is None:
            return None
        value = self._api.get(f"/agreements/enduser/{segment(requisition.agreement)}/")
        return checked_envelope(Agreement, value, _PROVIDER)

    def _agree(self, institution: Institution) -> Agreement:
        """The longest history and access this bank accepts, first wish first."""
        wishes = self._wishes(institution)
        for history_days, access_days in wishes[:-1]:
            try:
                return self._new_agreement(institution.id, history_days, access_days)
            except ProviderError as error:
                if error.recovery is not Recovery.BUG:
                    raise
        return self._new_agreement(institution.id, *wishes[-1])

    def _wishes(self, institution: Institution) -> list[tuple[int, int]]:
        """(history, access) in days; some banks give a longer history once and never again."""
        history_days = min(self._history_days, institution.transaction_total_days)
        if _ONE_TIME_HISTORY in institution.supported_features:
            history_days = min(history_days, _DEFAULT_DAYS)
        access_days = min(_LONGEST_ACCESS_DAYS, institution.max_access_valid_for_days)
        default_access_days = min(access_days, _DEFAULT_DAYS)
        steps = (
            (history_days, access_days),
            (history_days, default_access_days),
            (min(history_days, _DEFAULT_DAYS), default_access_days),
        )
        return list(dict.fromkeys(steps))

    def _new_agreement(self, institution_id: str, history_days: int, access_days: int) -> Agreement:
        wish = {
            "institution_id": institution_id,
            "max_historical_days": history_days,
            "access_valid_for_days": access_days,
            "access_scope": _SCOPES,
        }
        value = self._api.call("POST", "/agreements/enduser/", json=wish)
        return checked_envelope(Agreement, value, _PROVIDER)


def _ends_at(agreement: Agreement | None) -> datetime | None:
    if agreement is None or agreement.accepted is None:
        return None
    return agreement.accepted + timedelta(days=agreement.access_valid_for_days)


def linked_requisition(api: GoCardlessApi, requisition_id: str) -> Requisition:
    """Read a requisition that must be linked.

    Raises:
        ProviderError: it is not: `Recovery.RELINK` when it never will be, else `Recovery.RETRY_AT`.
    """
    try:
        value = api.get(f"/requisitions/{segment(requisition_id)}/")
    except ProviderError as error:
        if error.recovery not in (Recovery.ACCOUNT_GONE, Recovery.BUG):  # unknown, or not even an id
            raise
        raise ProviderError(
            provider=_PROVIDER,
            code="requisition_not_found",
            recovery=Recovery.RELINK,
            http_status=error.http_status,
        ) from None
    requisition = checked_envelope(Requisition, value, _PROVIDER)
    if requisition.status == "LN":
        return requisition
    raise _not_linked(requisition.status)


def _not_linked(status: str) -> ProviderError:
    if status in {"RJ", "EX", "SU", "ER"}:
        return ProviderError(
            provider=_PROVIDER, code=f"requisition_{status.lower()}", recovery=Recovery.RELINK
        )
    return ProviderError(
        provider=_PROVIDER,
        code="requisition_not_linked",
        recovery=Recovery.RETRY_AT,
        retry_after_s=_STATUS_POLL_S,
    )
