"""Hosted Link: the page on which a person picks a bank and says yes or no."""

from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.forms import form_of
from bank_sync.sandbox.page import not_found, page
from bank_sync.sandbox.plaid.institutions import BANK_OF, bank_of
from bank_sync.sandbox.plaid.link import finish
from bank_sync.sandbox.plaid.records import LinkToken, items, link_tokens


def routes(context: Context) -> list[Route]:
    """The page itself, shown and sent."""

    def open_link(request: Request) -> LinkToken | None:
        link = link_tokens(context).get(request.path_params["link_token"])
        usable = link is not None and link.finished_at is None and context.now() < link.expires_at
        return link if usable else None

    async def show(request: Request) -> Response:
        link = open_link(request)
        if link is None:
            return not_found("This link is unknown, used or expired: ask the application for a new one.")
        return page(f"{link.client_name} wants to read your bank data", _form(context, link))

    async def decide(request: Request) -> Response:
        link = open_link(request)
        if link is None:
            return not_found("This link is unknown, used or expired: ask the application for a new one.")
        form = await form_of(request)
        chosen = form.get("institution_id") if form.get("decision") == "approve" else None
        if chosen is not None and chosen not in BANK_OF:
            return not_found("That bank does not exist here: go back and choose one from the list.")
        finish(context, link, chosen, form.get("username") or link.client_user_id)
        if link.completion_redirect_uri:
            return RedirectResponse(link.completion_redirect_uri, 302)
        return page("Done", "<p>You can close this page and go back to the application.</p>")

    path = "/hosted/{link_token}"
    return [Route(path, show, methods=["GET"]), Route(path, decide, methods=["POST"])]


def _form(context: Context, link: LinkToken) -> str:
    item = items(context).get(link.access_token) if link.access_token else None
    offered = [item.institution_id] if item else _offered(link)
    options = "".join(f'<option value="{each}">{escape(bank_of(each).name)}</option>' for each in offered)
    return (
        f'<form method="post"><label>Bank<select name="institution_id">{options}</select></label>'
        f'<label>User name<input name="username" value="{escape(link.client_user_id)}"></label>'
        '<div class="choices"><button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="cancel">Cancel</button></div></form>'
        '<p class="quiet">A pretend bank: the same user name always meets the same accounts.</p>'
    )


def _offered(link: LinkToken) -> list[str]:
    countries = {country.upper() for country in link.country_codes}
    return [each for each in BANK_OF if not countries or bank_of(each).country in countries]
