"""The page behind a requisition's link, where a customer logs in at the bank and says yes or no.

`?auto=1` says yes without asking, and `&username=` whom to log in as: that is how programs walk through.
"""

from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.forms import form_of
from bank_sync.sandbox.gocardless import agreements, requisitions
from bank_sync.sandbox.gocardless.errors import GoCardlessError
from bank_sync.sandbox.gocardless.institutions import INSTITUTIONS
from bank_sync.sandbox.gocardless.records import Requisition
from bank_sync.sandbox.page import not_found, page
from bank_sync.sandbox.urls import with_query

_GONE = "This link is unknown: ask the application for a new one."
_OPEN_STATES = frozenset({"CR", "GC"})


def routes(context: Context) -> list[Route]:
    """The page itself, shown and sent."""

    async def show(request: Request) -> Response:
        requisition = _found(context, request)
        if requisition is None or requisition.status not in _OPEN_STATES:
            return _unusable(requisition)
        if request.query_params.get("auto") == "1":
            return _approved(context, requisition, request.query_params.get("username"))
        return _form(requisitions.begin(context, requisition))

    async def decide(request: Request) -> Response:
        requisition = _found(context, request)
        if requisition is None or requisition.status not in _OPEN_STATES:
            return _unusable(requisition)
        form = await form_of(request)
        if form.get("decision") == "approve":
            return _approved(context, requisition, form.get("username"))
        requisitions.reject(context, requisition)
        return _back(requisition, "UserCancelledSession", "User cancelled the session")

    path = "/start/{requisition_id}/{institution_id}"
    return [Route(path, show, methods=["GET"]), Route(path, decide, methods=["POST"])]


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


def _approved(context: Context, requisition: Requisition, username: str | None) -> Response:
    requisitions.approve(context, requisition, username or requisition.user_key)
    return RedirectResponse(with_query(requisition.redirect, {"ref": requisition.reference}), 302)


def _back(requisition: Requisition, error: str, details: str) -> Response:
    fields = {"ref": requisition.reference, "error": error, "details": details}
    return RedirectResponse(with_query(requisition.redirect, fields), 302)


def _form(requisition: Requisition) -> Response:
    institution = INSTITUTIONS[requisition.institution_id]
    return page(
        f"Share your {institution.name} accounts",
        '<form method="post"><label>User name at the bank'
        f'<input name="username" value="{escape(requisition.user_key)}"></label>'
        '<div class="choices"><button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="cancel">Cancel</button></div></form>'
        '<p class="quiet">A pretend bank: the same user name always meets the same accounts.</p>',
    )
