"""A stand-in for the window of Teller Connect: one form, a second question where the bank asks one.

Not here: what enrolling is (`connect`).
"""

from html import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bank_sync.sandbox import widget
from bank_sync.sandbox.context import Context
from bank_sync.sandbox.forms import form_of
from bank_sync.sandbox.page import page
from bank_sync.sandbox.teller.connect import enroll
from bank_sync.sandbox.teller.errors import TellerError
from bank_sync.sandbox.urls import own_url

_KEPT = ("application_id", "nonce", "institution", "enrollment_id")


def routes(context: Context) -> list[Route]:
    """The script and the window."""

    async def script(request: Request) -> Response:
        return widget.teller_script(own_url(request))

    async def show(request: Request) -> Response:
        return _form(dict(request.query_params), "")

    async def decide(request: Request) -> Response:
        form = dict(await form_of(request))
        if form.get("decision") != "approve":
            return widget.handed_over({})
        try:
            return widget.handed_over(enroll(context, {name: value for name, value in form.items() if value}))
        except TellerError as refused:
            return _form(form, refused.message)

    return [
        Route("/connect/connect.js", script, methods=["GET"]),
        Route("/connect/page", show, methods=["GET"]),
        Route("/connect/page", decide, methods=["POST"]),
    ]


def _form(told: dict[str, str], refused: str) -> Response:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(told.get(name, ""))}">' for name in _KEPT
    )
    user = escape(told.get("username", "username"))
    return page(
        "Log in at your bank",
        f'<p role="alert">{escape(refused)}</p><form method="post">{hidden}'
        f'<label>User name<input name="username" value="{user}"></label>'
        '<label>Password<input name="password" type="password" value="password"></label>'
        '<label>Answer, if the bank asks<input name="answer"></label>'
        '<div class="choices"><button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="cancel">Cancel</button></div></form>'
        '<p class="quiet">A pretend bank: the password is “password”.</p>',
    )
