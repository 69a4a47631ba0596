"""End user agreements: what a customer will be asked to consent to."""

from collections.abc import Mapping
from typing import Any

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.errors import (
    REQUIRED,
    GoCardlessError,
    by_field,
    listed,
    not_found,
    plain,
    unknown_institution,
)
from bank_sync.sandbox.gocardless.institutions import INSTITUTIONS, SCOPES, Institution
from bank_sync.sandbox.gocardless.records import Agreement, agreements, instant, require_uuid

_DEFAULT_DAYS = 90


def create(context: Context, wish: Mapping[str, Any]) -> dict[str, object]:
    """POST /agreements/enduser/.

    Raises:
        GoCardlessError: 400, by field, for what the institution does not allow.
    """
    return speak(new(context, wish))


def new(context: Context, wish: Mapping[str, Any]) -> Agreement:
    """A new agreement within the institution's limits; what is not in the wish is the default."""
    institution = _institution(wish)
    historical, valid = (_days(wish, name) for name in ("max_historical_days", "access_valid_for_days"))
    scope = wish.get("access_scope", list(SCOPES))
    _check_days(institution, historical, valid)
    _check_scope(institution, scope)
    agreement = Agreement(
        id=context.new_uuid("gocardless agreement"),
        created_at=context.now(),
        institution_id=institution.id,
        max_historical_days=historical,
        access_valid_for_days=valid,
        access_scope=tuple(scope),
        reconfirmation=bool(wish.get("reconfirmation")),
        accepted_at=None,
    )
    return agreements(context).put(agreement.id, agreement)


def _institution(wish: Mapping[str, Any]) -> Institution:
    institution_id = wish.get("institution_id")
    if not institution_id:
        raise by_field(institution_id=REQUIRED)
    if institution_id not in INSTITUTIONS:
        raise unknown_institution(str(institution_id))
    return INSTITUTIONS[institution_id]


def _days(wish: Mapping[str, Any], name: str) -> int:
    """A number of days, which may come as text: the official client's default does. 0 for anything else."""
    value = wish.get(name, _DEFAULT_DAYS)
    is_number = isinstance(value, int | str) and not isinstance(value, bool) and str(value).isdecimal()
    return int(value) if is_number else 0


def _check_days(institution: Institution, historical: int, valid: int) -> None:
    problems = {}
    if not 0 < historical <= institution.total_days:
        limit = f"{institution.id} transaction_total_days ({institution.total_days})"
        problems["max_historical_days"] = {
            "summary": "Incorrect max_historical_days",
            "detail": f"max_historical_days must be > 0 and <= {limit}",
        }
    if not 0 < valid <= institution.valid_days:
        problems["access_valid_for_days"] = {
            "summary": "Incorrect access_valid_for_days",
            "detail": f"access_valid_for_days must be > 0 and <= {institution.valid_days}",
        }
    if problems:
        raise by_field(**problems)


def _check_scope(institution: Institution, scope: object) -> None:
    if not isinstance(scope, list) or not scope or set(scope) - set(SCOPES):
        raise by_field(access_scope=[f"Choose from {', '.join(SCOPES)}."])
    joined = institution.joined_scopes
    if joined and 0 < len(set(joined) & set(scope)) < len(joined):
        raise listed(
            "Institution access scope dependencies error",
            f"For this institution the following scopes are required together: {list(joined)}",
        )


def get_list(context: Context) -> list[dict[str, object]]:
    """All agreements, newest first."""
    return [speak(agreement) for agreement in reversed(list(agreements(context)))]


def get_one(context: Context, agreement_id: str) -> dict[str, object]:
    """GET /agreements/enduser/{id}/."""
    return speak(find(context, agreement_id))


def delete(context: Context, agreement_id: str) -> dict[str, object]:
    """DELETE /agreements/enduser/{id}/; an accepted agreement stays.

    Raises:
        GoCardlessError: 400 for an accepted one, 404 for an unknown one.
    """
    agreement = find(context, agreement_id)
    if agreement.accepted_at is not None:
        raise plain(400, "Accepted EUA cannot be deleted", "Delete the requisition instead")
    agreements(context).delete(agreement.id)
    detail = f"End User Agreement {agreement.id} deleted"
    return {"summary": "End User Agreement deleted", "detail": detail}


def accept(context: Context, agreement_id: str) -> dict[str, object]:
    """PUT /agreements/enduser/{id}/accept/: for companies with a permission this one does not have."""
    find(context, agreement_id)
    raise _no_permission_to_accept()


def _no_permission_to_accept() -> GoCardlessError:
    detail = (
        "Your company doesn't have permission to accept EUA. "
        "You'll have to use our default form for this action."
    )
    return plain(403, "Insufficient permissions", detail)


def find(context: Context, agreement_id: str) -> Agreement:
    """The agreement under that id.

    Raises:
        GoCardlessError: 400 if it is no UUID, 404 if there is none.
    """
    agreement = agreements(context).get(require_uuid("EndUserAgreement", agreement_id))
    if agreement is None:
        raise not_found()
    return agreement


def speak(agreement: Agreement) -> dict[str, object]:
    """The agreement object."""
    return {
        "id": agreement.id,
        "created": instant(agreement.created_at),
        "institution_id": agreement.institution_id,
        "max_historical_days": agreement.max_historical_days,
        "access_valid_for_days": agreement.access_valid_for_days,
        "access_scope": list(agreement.access_scope),
        "accepted": instant(agreement.accepted_at) if agreement.accepted_at else None,
        "reconfirmation": agreement.reconfirmation,
    }
