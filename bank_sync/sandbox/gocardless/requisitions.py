"""Requisitions: one customer's way from a link to a list of accounts.

Not here: the page they decide on (`consent`).
"""

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.agreements import find as find_agreement
from bank_sync.sandbox.gocardless.agreements import new as new_agreement
from bank_sync.sandbox.gocardless.errors import REQUIRED, by_field, not_found, unknown_institution
from bank_sync.sandbox.gocardless.institutions import INSTITUTIONS
from bank_sync.sandbox.gocardless.records import (
    Agreement,
    LinkedAccount,
    Requisition,
    agreements,
    instant,
    linked_accounts,
    require_uuid,
    requisitions,
)
from bank_sync.sandbox.world.dice import uuid_of
from bank_sync.sandbox.world.life import Life

_DEFAULT_USER = "user_good"
_LONGEST_REFERENCE, _LANGUAGE_LETTERS = 256, 2


def create(context: Context, wish: Mapping[str, Any], site_url: str) -> dict[str, object]:
    """POST /requisitions/; without an agreement one with the defaults is made.

    Raises:
        GoCardlessError: 400, by field.
    """
    _check(context, wish)
    requisition_id = context.new_uuid("gocardless requisition")
    agreement = _agreement(context, wish)
    reference = str(wish.get("reference") or requisition_id)
    requisition = Requisition(
        id=requisition_id,
        created_at=context.now(),
        redirect=str(wish["redirect"]),
        institution_id=agreement.institution_id,
        agreement_id=agreement.id,
        reference=reference,
        status="CR",
        user_language=str(wish.get("user_language") or "EN").upper(),
        ssn=str(wish["ssn"]) if wish.get("ssn") else None,
        account_selection=bool(wish.get("account_selection")),
        redirect_immediate=bool(wish.get("redirect_immediate")),
        user_key=_user_key(reference),
        account_ids=(),
    )
    return speak(context, requisitions(context).put(requisition_id, requisition), site_url)


def _user_key(reference: str) -> str:
    """Who is expected to log in: the part of the reference before a colon, or the usual test user."""
    user, colon, _ = reference.partition(":")
    return user if colon and user else _DEFAULT_USER


def _check(context: Context, wish: Mapping[str, Any]) -> None:
    missing = [name for name in ("redirect", "institution_id") if not wish.get(name)]
    if missing:
        raise by_field(**dict.fromkeys(missing, REQUIRED))
    if wish["institution_id"] not in INSTITUTIONS:
        raise unknown_institution(str(wish["institution_id"]))
    if not str(wish["redirect"]).startswith(("http://", "https://")):
        raise by_field(redirect=["Enter a valid URL."])
    language = wish.get("user_language")
    if language and (not isinstance(language, str) or len(language) != _LANGUAGE_LETTERS):
        problem = {"summary": "Invalid language", "detail": "Use a two-letter ISO 639-1 code"}
        raise by_field(user_language=[problem])
    reference = str(wish.get("reference") or "")
    if len(reference) > _LONGEST_REFERENCE:
        raise by_field(reference=["Ensure this field has no more than 256 characters."])
    if reference and any(known.reference == reference for known in requisitions(context)):
        detail = f"{reference} already exists. It must be unique"
        raise by_field(reference={"summary": "Client reference must be unique", "detail": detail})


def _agreement(context: Context, wish: Mapping[str, Any]) -> Agreement:
    if not wish.get("agreement"):
        return new_agreement(context, {"institution_id": wish["institution_id"]})
    agreement = find_agreement(context, str(wish["agreement"]))
    if agreement.institution_id != wish["institution_id"]:
        summary = "Incorrect Institution ID"
        detail = f"Provided Institution ID: '{wish['institution_id']}' for requisition does not match EUA"
        raise by_field(institution_id={"summary": summary, "detail": detail})
    return agreement


def approve(
    context: Context, requisition: Requisition, user_key: str, chosen: Container[str] | None = None
) -> Requisition:
    """The customer said yes: consent begins, and every account gets an id no requisition had before.

    `chosen` has the world's keys of the accounts to share; None shares all.
    """
    now = context.now()
    agreement = find_agreement(context, requisition.agreement_id)
    agreements(context).put(agreement.id, replace(agreement, accepted_at=now))
    ids, life = [], life_at(context, requisition.institution_id, user_key)
    shared = [each for each in life.accounts if each.key not in life.book.closed]
    for account in (each for each in shared if chosen is None or each.key in chosen):
        linked = LinkedAccount(
            uuid_of(context.world.seed, "gocardless account", requisition.id, account.key),
            requisition.id,
            account.key,
            now,
        )
        linked_accounts(context).put(linked.id, linked)
        ids.append(linked.id)
    return _put(context, replace(requisition, status="LN", user_key=user_key, account_ids=tuple(ids)))


def move(context: Context, requisition: Requisition, status: str, user_key: str | None = None) -> Requisition:
    """The customer is a step further, or has come to another end; `user_key` is who logged in."""
    return _put(context, replace(requisition, status=status, user_key=user_key or requisition.user_key))


def _put(context: Context, requisition: Requisition) -> Requisition:
    return requisitions(context).put(requisition.id, requisition)


def life_at(context: Context, institution_id: str, user_key: str) -> Life:
    """The life the customer leads at the institution's bank."""
    return context.world.life(INSTITUTIONS[institution_id].bank_key, user_key, context.now())


def get_list(context: Context, site_url: str) -> list[dict[str, object]]:
    """All requisitions, newest first."""
    return [speak(context, each, site_url) for each in reversed(list(requisitions(context)))]


def get_one(context: Context, requisition_id: str, site_url: str) -> dict[str, object]:
    """GET /requisitions/{id}/."""
    return speak(context, find(context, requisition_id), site_url)


def delete(context: Context, requisition_id: str) -> dict[str, object]:
    """DELETE /requisitions/{id}/: its agreement and its accounts go with it."""
    requisition = find(context, requisition_id)
    for account_id in requisition.account_ids:
        linked_accounts(context).delete(account_id)
    agreements(context).delete(requisition.agreement_id)
    requisitions(context).delete(requisition.id)
    detail = f"Requisition {requisition.id} deleted with all its End User Agreements"
    return {"summary": "Requisition deleted", "detail": detail}


def find(context: Context, requisition_id: str) -> Requisition:
    """The requisition under that id.

    Raises:
        GoCardlessError: 400 if it is no UUID, 404 if there is none.
    """
    requisition = requisitions(context).get(require_uuid("Requisition", requisition_id))
    if requisition is None:
        raise not_found()
    return requisition


def speak(context: Context, requisition: Requisition, site_url: str) -> dict[str, object]:
    """The requisition object; once consent has run out its status is EX."""
    agreement = agreements(context).get(requisition.agreement_id)
    expired = agreement is not None and agreement.is_expired(context.now())
    return {
        "id": requisition.id,
        "created": instant(requisition.created_at),
        "redirect": requisition.redirect,
        "status": "EX" if expired else requisition.status,
        "institution_id": requisition.institution_id,
        "agreement": requisition.agreement_id,
        "reference": requisition.reference,
        "accounts": list(requisition.account_ids),
        "user_language": requisition.user_language,
        "link": f"{site_url}/gocardless/psd2/start/{requisition.id}/{requisition.institution_id}",
        "ssn": requisition.ssn,
        "account_selection": requisition.account_selection,
        "redirect_immediate": requisition.redirect_immediate,
    }
