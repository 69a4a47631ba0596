"""Reconfirming consent in the UK: every ninety days the customer says once more that access may go on.

Here: the call by which an application asks for the page's address, the page, and refusing data once the
day is past. Not here: agreements that need none (`agreements`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.forms import form_of
from bank_sync.sandbox.gocardless import agreements
from bank_sync.sandbox.gocardless.errors import agreement_expired, not_found, plain
from bank_sync.sandbox.gocardless.records import Agreement, instant, requisitions
from bank_sync.sandbox.page import not_found as no_page
from bank_sync.sandbox.page import page
from bank_sync.sandbox.state import Table

_EVERY_DAYS = 90
_EVERY, _AROUND = timedelta(days=_EVERY_DAYS), timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Reconfirmation:
    """The last reconfirmation asked for of one agreement; `done_at` is when the customer said yes."""

    agreement_id: str
    made_at: datetime
    redirect: str
    seen_at: datetime | None = None
    done_at: datetime | None = None
    rejected_at: datetime | None = None


def reconfirmations(context: Context) -> Table[Reconfirmation]:
    """The last reconfirmation of each agreement, by agreement id."""
    return context.store.table("gocardless_reconfirmations", Reconfirmation)


def create(context: Context, agreement_id: str, wish: Mapping[str, Any], site_url: str) -> dict[str, object]:
    """POST /agreements/enduser/{id}/reconfirm/.

    Raises:
        GoCardlessError: 400 for an agreement without reconfirmation or outside the weeks around its day, 404.
    """
    agreement = agreements.find(context, agreement_id)
    due = due_at(context, agreement)
    if due is None:
        raise plain(400, "Reconfirmation not available", "This agreement does not need reconfirmation")
    if not due - _AROUND <= context.now() <= due + _AROUND:
        raise plain(400, "Reconfirmation not available", f"Reconfirm within 14 days of {due:%Y-%m-%d}")
    known = reconfirmations(context).get(agreement.id)
    done_at = known.done_at if known else None
    made = Reconfirmation(agreement.id, context.now(), str(wish.get("redirect") or ""), done_at=done_at)
    reconfirmations(context).put(agreement.id, made)
    return speak(context, agreement, made, site_url)


def get_one(context: Context, agreement_id: str, site_url: str) -> dict[str, object]:
    """GET /agreements/enduser/{id}/reconfirm/.

    Raises:
        GoCardlessError: 404 where none was asked for.
    """
    agreement = agreements.find(context, agreement_id)
    known = reconfirmations(context).get(agreement.id)
    if known is None:
        raise not_found()
    return speak(context, agreement, known, site_url)


def due_at(context: Context, agreement: Agreement) -> datetime | None:
    """When the customer has to have said yes again; None where that is not needed."""
    if not agreement.reconfirmation or agreement.accepted_at is None:
        return None
    known = reconfirmations(context).get(agreement.id)
    return (known.done_at if known and known.done_at else agreement.accepted_at) + _EVERY


def require_confirmed(context: Context, agreement: Agreement) -> None:
    """Refuse data of an agreement that should have been reconfirmed by now.

    Raises:
        GoCardlessError: 401, in the words of an agreement that has expired.
    """
    due = due_at(context, agreement)
    if due is not None and context.now() >= due:
        raise agreement_expired(agreement.id, _EVERY_DAYS, due)


def speak(context: Context, agreement: Agreement, known: Reconfirmation, site_url: str) -> dict[str, object]:
    """The reconfirmation object."""
    answered = known.done_at if known.done_at and known.done_at >= known.made_at else None
    given = {"reconfirmed": _said(answered), "rejected": _said(known.rejected_at)}
    accounts = [
        account_id
        for requisition in requisitions(context)
        if requisition.agreement_id == agreement.id
        for account_id in requisition.account_ids
    ]
    return {
        "reconfirmation_url": f"{site_url}/gocardless/psd2/reconfirm/{agreement.id}",
        "created": instant(known.made_at),
        "url_valid_from": instant(known.made_at),
        "url_valid_to": instant(known.made_at + _AROUND),
        "redirect": known.redirect or None,
        "last_accessed": _said(known.seen_at),
        "last_submitted": _said(answered or known.rejected_at),
        "accounts": dict.fromkeys(accounts, given),
    }


def _said(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None


def page_routes(context: Context) -> list[Route]:
    """The page on which a customer says yes or no; `?auto=1` says yes without asking."""

    def open_one(request: Request) -> Reconfirmation | None:
        known = reconfirmations(context).get(request.path_params["agreement_id"])
        return known if known and context.now() < known.made_at + _AROUND else None

    async def show(request: Request) -> Response:
        known = open_one(request)
        if known is None:
            return no_page(_GONE)
        seen = reconfirmations(context).put(known.agreement_id, replace(known, seen_at=context.now()))
        return _decided(context, seen, "approve") if request.query_params.get("auto") == "1" else _form()

    async def decide(request: Request) -> Response:
        known = open_one(request)
        if known is None:
            return no_page(_GONE)
        return _decided(context, known, (await form_of(request)).get("decision"))

    path = "/reconfirm/{agreement_id}"
    return [Route(path, show, methods=["GET"]), Route(path, decide, methods=["POST"])]


_GONE = "This link is unknown or too old: ask the application for a new one."


def _decided(context: Context, known: Reconfirmation, decision: str | None) -> Response:
    now = context.now()
    answered = replace(known, done_at=now) if decision == "approve" else replace(known, rejected_at=now)
    reconfirmations(context).put(known.agreement_id, answered)
    if known.redirect:
        return RedirectResponse(known.redirect, 302)
    return page("Done", "<p>You can close this page and go back to the application.</p>")


def _form() -> Response:
    return page(
        "May access to your accounts go on?",
        '<form method="post"><div class="choices"><button name="decision" value="approve">Yes</button>'
        '<button name="decision" value="reject">No</button></div></form>',
    )
