"""Hosted Link: the page on which a person picks a bank and says yes or no."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bank_sync.sandbox import widget
from bank_sync.sandbox.context import Context
from bank_sync.sandbox.forms import form_of
from bank_sync.sandbox.page import not_found, page
from bank_sync.sandbox.plaid.institutions import BANK_OF, bank_of
from bank_sync.sandbox.plaid.link import finish, leave
from bank_sync.sandbox.plaid.records import LinkToken, items, link_tokens, public_tokens
from bank_sync.sandbox.urls import own_url


@dataclass(frozen=True, slots=True)
class _Question:
    """What a bank asks after the password, and how a right answer begins."""

    text: str
    answer: str


# by the password that asks for it; `mfa_questions_n_m` wants answers like answer_0_0
_QUESTIONS: Mapping[str, _Question] = {
    "mfa_device": _Question("Which code did we send you?", "1234"),
    "mfa_selections": _Question("Is this you?", "Yes"),
    "mfa": _Question("What is the answer to your question?", "answer_"),
}


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
        question = _question_of(form)
        if chosen is not None and question is not None and "answer" not in form:
            return page(question.text, _asking(form))
        _end(context, link, form, chosen)
        if request.query_params.get("framed") == "1":
            return widget.handed_over(_said(context, link) if chosen is not None else {})
        return _goodbye(link)

    path = "/hosted/{link_token}"
    return [
        Route("/link-initialize.js", _script, methods=["GET"]),
        Route(path, show, methods=["GET"]),
        Route(path, decide, methods=["POST"]),
    ]


def _goodbye(link: LinkToken) -> Response:
    if link.completion_redirect_uri:
        return RedirectResponse(link.completion_redirect_uri, 302)
    return page("Done", "<p>You can close this page and go back to the application.</p>")


async def _script(request: Request) -> Response:
    return widget.plaid_script(own_url(request))


def _said(context: Context, link: LinkToken) -> dict[str, object]:
    """What Link tells the page around it: no token where a login was repaired, nothing on failure."""
    ended = link_tokens(context).get(link.token)
    if ended is None or ended.exit_error or (ended.public_token is None and not ended.access_token):
        return {}
    public = public_tokens(context).get(ended.public_token) if ended.public_token else None
    name = bank_of(public.institution_id).name if public else None
    return {"done": True, "public_token": ended.public_token, "institution": {"name": name}}


def _end(context: Context, link: LinkToken, form: Mapping[str, str], chosen: str | None) -> None:
    """Close the session: with a login, or with the error the bank gave, or with nothing."""
    error = _refusal(form) if chosen is not None else None
    if chosen is None or error is not None:
        leave(context, link, error)
    else:
        finish(context, link, chosen, form.get("username") or link.client_user_id)


def _question_of(form: Mapping[str, str]) -> _Question | None:
    """What the bank will ask whoever gives that password."""
    return _QUESTIONS.get(form.get("password", "").partition("_questions")[0])


def _refusal(form: Mapping[str, str]) -> str | None:
    """The code by which the bank refuses this login, None where it lets the person in."""
    password, question = form.get("password", ""), _question_of(form)
    if password.startswith("error_"):
        return password.removeprefix("error_")
    if question is not None and not form["answer"].startswith(question.answer):
        return "INVALID_MFA"
    return None


def _asking(form: Mapping[str, str]) -> str:
    """The bank's second question, with what the person has said before."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in form.items()
    )
    return (
        f'<form method="post">{hidden}<label>Answer<input name="answer"></label>'
        '<button name="decision" value="approve">Continue</button></form>'
    )


def _form(context: Context, link: LinkToken) -> str:
    item = items(context).get(link.access_token) if link.access_token else None
    offered = [item.institution_id] if item else _offered(link)
    options = "".join(f'<option value="{each}">{escape(bank_of(each).name)}</option>' for each in offered)
    return (
        f'<form method="post"><label>Bank<select name="institution_id">{options}</select></label>'
        f'<label>User name<input name="username" value="{escape(link.client_user_id)}"></label>'
        '<label>Password<input name="password" type="password"></label>'
        '<div class="choices"><button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="cancel">Cancel</button></div></form>'
        '<p class="quiet">A pretend bank: the same user name always meets the same accounts.</p>'
    )


def _offered(link: LinkToken) -> list[str]:
    countries = {country.upper() for country in link.country_codes}
    return [each for each in BANK_OF if not countries or bank_of(each).country in countries]
