"""The pages behind a requisition's link: logging in at the bank, choosing accounts, saying yes or no.

For programs: `?auto=1` says yes without asking, `&username=` as whom; `&error=` ends with that code instead;
`&hold=` goes back early and leaves the requisition in that state (UA, SA, GA) until the link is opened again.
"""

from collections.abc import Container, Mapping
from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.forms import form_of
from bank_sync.sandbox.gocardless import agreements, reconfirm, requisitions
from bank_sync.sandbox.gocardless.errors import GoCardlessError
from bank_sync.sandbox.gocardless.institutions import INSTITUTIONS
from bank_sync.sandbox.gocardless.records import Requisition
from bank_sync.sandbox.page import not_found, page
from bank_sync.sandbox.urls import with_query

_GONE = "This link is unknown: ask the application for a new one."
_OPEN_STATES = frozenset({"CR", "GC", "UA", "SA", "GA"})
_HELD_STATES = frozenset({"UA", "SA", "GA"})
# what the browser is told, and where the requisition ends: rejected by the customer, or in error otherwise
_ENDS: Mapping[str, tuple[str, str]] = {
    "UserCancelledSession": ("RJ", "User cancelled the session"),
    "UserSessionRejected": ("RJ", "The institution rejected the session"),
    "SSNVerificationFailed": ("RJ", "The SSN does not belong to the customer who logged in"),
    "InstitutionTechnicalError": ("ER", "The institution failed"),
    "GoCardlessTechnicalError": ("ER", "GoCardless failed"),
    "CompanyRequisitionLimitReached": ("ER", "The company may link no more accounts"),
    "UnknownError": ("ER", "Something failed"),
}
_ACCOUNT = "account:"


def routes(context: Context) -> list[Route]:
    """The pages, shown and sent."""

    async def show(request: Request) -> Response:
        requisition = _found(context, request)
        if requisition is None or requisition.status not in _OPEN_STATES:
            return _unusable(requisition)
        if request.query_params.get("auto") == "1":
            return _walked_through(context, requisition, request.query_params)
        return _login(requisitions.move(context, requisition, "GC"))

    async def decide(request: Request) -> Response:
        requisition = _found(context, request)
        if requisition is None or requisition.status not in _OPEN_STATES:
            return _unusable(requisition)
        form = await form_of(request)
        decision = form.get("decision", "")
        if decision == "approve":
            chosen = [name.removeprefix(_ACCOUNT) for name in form if name.startswith(_ACCOUNT)]
            return _approved(context, requisition, form.get("username"), chosen or None)
        if decision == "login":
            state = "SA" if requisition.account_selection else "UA"
            return _choice(context, requisitions.move(context, requisition, state, form.get("username")))
        return _ended(context, requisition, decision if decision in _ENDS else "UserCancelledSession")

    path = "/start/{requisition_id}/{institution_id}"
    return [
        Route(path, show, methods=["GET"]),
        Route(path, decide, methods=["POST"]),
        *reconfirm.page_routes(context),
    ]


def _walked_through(context: Context, requisition: Requisition, query: Mapping[str, str]) -> Response:
    """What a program asked for in the address."""
    if query.get("error") in _ENDS:
        return _ended(context, requisition, query["error"])
    if query.get("hold") in _HELD_STATES:
        requisitions.move(context, requisition, query["hold"], query.get("username"))
        return RedirectResponse(with_query(requisition.redirect, {"ref": requisition.reference}), 302)
    return _approved(context, requisition, query.get("username"), None)


def _found(context: Context, request: Request) -> Requisition | None:
    try:
        requisition = requisitions.find(context, request.path_params["requisition_id"])
        agreements.find(context, requisition.agreement_id)
    except GoCardlessError:
        return None
    return requisition if requisition.institution_id == request.path_params["institution_id"] else None


def _unusable(requisition: Requisition | None) -> Response:
    """A link leads somewhere once: later visitors are sent back to the application, strangers nowhere."""
    if requisition is None:
        return not_found(_GONE)
    return _back(requisition, "RequisitionLinkReused", "This link was used before")


def _approved(
    context: Context, requisition: Requisition, username: str | None, chosen: Container[str] | None
) -> Response:
    requisitions.approve(context, requisition, username or requisition.user_key, chosen)
    return RedirectResponse(with_query(requisition.redirect, {"ref": requisition.reference}), 302)


def _ended(context: Context, requisition: Requisition, error: str) -> Response:
    status, details = _ENDS[error]
    return _back(requisitions.move(context, requisition, status), error, details)


def _back(requisition: Requisition, error: str, details: str) -> Response:
    fields = {"ref": requisition.reference, "error": error, "details": details}
    return RedirectResponse(with_query(requisition.redirect, fields), 302)


def _login(requisition: Requisition) -> Response:
    institution = INSTITUTIONS[requisition.institution_id]
    return page(
        f"Share your {institution.name} accounts",
        '<form method="post"><label>User name at the bank'
        f'<input name="username" value="{escape(requisition.user_key)}"></label>'
        '<div class="choices"><button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="login">Choose accounts</button>'
        '<button name="decision" value="cancel">Cancel</button></div></form>'
        '<p class="quiet">A pretend bank: the same user name always meets the same accounts.</p>',
    )


def _choice(context: Context, requisition: Requisition) -> Response:
    """Who has logged in sees the accounts, and shares those left ticked."""
    life = requisitions.life_at(context, requisition.institution_id, requisition.user_key)
    ticks = "".join(
        f'<label><input type="checkbox" name="{_ACCOUNT}{escape(each.key)}" checked>'
        f" {escape(each.name)}</label>"
        for each in life.accounts
    )
    return page(
        "Which accounts may be read?",
        f'<form method="post">{ticks}<div class="choices">'
        '<button name="decision" value="approve">Share</button>'
        '<button name="decision" value="cancel">Cancel</button></div></form>',
    )
