"""Linking at Plaid: link tokens, the sandbox's short cut to a public token, and how a session ended.

Not here: the page a person sees (`hosted`), and what comes after the exchange (`items`).
"""

from dataclasses import replace
from datetime import timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import render
from bank_sync.sandbox.plaid.errors import invalid_input, login_failed, missing_fields
from bank_sync.sandbox.plaid.institutions import bank_of
from bank_sync.sandbox.plaid.items import item_of
from bank_sync.sandbox.plaid.records import LinkToken, PublicToken, items, link_tokens, public_tokens
from bank_sync.sandbox.plaid.request import Fields

_NEW_LIFE, _UPDATE_LIFE = timedelta(hours=4), timedelta(minutes=30)
_LONGEST_HOSTED_S = 21 * 86_400
_DEFAULT_DAYS, _MAXIMUM_DAYS = 90, 730
_OTHER_RESULTS = (
    "cra_item_add_results",
    "cra_update_results",
    "bank_income_results",
    "payroll_income_results",
)


def create(context: Context, fields: Fields, base_url: str) -> dict[str, object]:
    """/link/token/create: a wish to link, or with an access token to repair."""
    token = _new_link_token(context, fields)
    link_tokens(context).put(token.token, token)
    spoken: dict[str, object] = {"link_token": token.token, "expiration": render.instant(token.expires_at)}
    if fields.has("hosted_link"):
        spoken["hosted_link_url"] = f"{base_url}/hosted/{token.token}"
    return spoken


def _new_link_token(context: Context, fields: Fields) -> LinkToken:
    missing = [name for name in ("client_name", "language", "country_codes") if not fields.has(name)]
    if missing or not (fields.has("user") or fields.has("user_id")):
        raise missing_fields(*missing, *([] if fields.has("user") else ["user"]))
    access_token = fields.optional_text("access_token")
    if access_token is not None:
        item_of(context, fields)
    elif not fields.texts("products"):
        raise missing_fields("products")
    now = context.now()
    user = fields.inner("user")
    return LinkToken(
        token=f"link-sandbox-{context.new_uuid('plaid link token')}",
        client_name=fields.text("client_name"),
        client_user_id=user.text("client_user_id") if fields.has("user") else fields.text("user_id"),
        language=fields.text("language"),
        country_codes=fields.texts("country_codes"),
        products=fields.texts("products"),
        days_requested=_days_requested(fields),
        webhook=fields.optional_text("webhook"),
        redirect_uri=fields.optional_text("redirect_uri"),
        completion_redirect_uri=fields.inner("hosted_link").optional_text("completion_redirect_uri"),
        access_token=access_token,
        created_at=now,
        expires_at=now + _lifetime(fields, access_token),
        finished_at=None,
        public_token=None,
    )


def sandbox_public_token(context: Context, fields: Fields) -> dict[str, object]:
    """/sandbox/public_token/create: what a finished Link session would have given."""
    options, institution_id = fields.inner("options"), fields.text("institution_id")
    if not fields.texts("initial_products"):
        raise missing_fields("initial_products")
    bank_of(institution_id)
    check_password(options.optional_text("override_password"))
    public = new_public_token(
        context,
        institution_id=institution_id,
        user_key=options.optional_text("override_username") or "user_good",
        products=fields.texts("initial_products"),
        days_requested=_days_requested(options),
        webhook=options.optional_text("webhook"),
    )
    return {"public_token": public.token}


def check_password(password: str | None) -> None:
    """Refuse as the bank does where the password asks for it: `error_` and a code.

    Raises:
        PlaidError: Of that code.
    """
    if password and password.startswith("error_"):
        raise login_failed(password.removeprefix("error_"))


def new_public_token(
    context: Context,
    *,
    institution_id: str,
    user_key: str,
    products: tuple[str, ...],
    days_requested: int,
    webhook: str | None,
) -> PublicToken:
    """A fresh public token for that login; who it reaches follows from `user_key` alone."""
    public = PublicToken(
        token=f"public-sandbox-{context.new_uuid('plaid public token')}",
        institution_id=institution_id,
        user_key=user_key,
        products=products,
        days_requested=days_requested,
        webhook=webhook,
        created_at=context.now(),
        is_used=False,
    )
    return public_tokens(context).put(public.token, public)


def get(context: Context, fields: Fields) -> dict[str, object]:
    """/link/token/get: what became of a link token."""
    link = open_link(context, fields.text("link_token"))
    return {
        "link_token": link.token,
        "created_at": render.instant(link.created_at),
        "expiration": render.instant(link.expires_at),
        "link_sessions": [] if link.finished_at is None else [_session(context, link)],
        "metadata": {
            "initial_products": list(link.products),
            "webhook": link.webhook,
            "country_codes": list(link.country_codes),
            "language": link.language,
            "redirect_uri": link.redirect_uri,
            "client_name": link.client_name,
        },
    }


def open_link(context: Context, token: str) -> LinkToken:
    """The link token by its text.

    Raises:
        PlaidError: INVALID_LINK_TOKEN.
    """
    link = link_tokens(context).get(token)
    if link is None:
        raise invalid_input("INVALID_LINK_TOKEN", "invalid link_token provided")
    return link


def leave(context: Context, link: LinkToken, error_code: str | None) -> LinkToken:
    """The session ended without a login: the person went away, after that error if there was one."""
    left = replace(link, finished_at=context.now(), exit_error=error_code)
    return link_tokens(context).put(link.token, left)


def finish(context: Context, link: LinkToken, institution_id: str, username: str) -> LinkToken:
    """The session ended well: a login exists, or works again."""
    token = None
    if link.access_token is not None:
        item = items(context).get(link.access_token)
        if item is not None:
            items(context).put(item.access_token, replace(item, is_login_required=False))
    else:
        token = new_public_token(
            context,
            institution_id=institution_id,
            user_key=username,
            products=link.products,
            days_requested=link.days_requested,
            webhook=link.webhook,
        ).token
    finished = replace(link, finished_at=context.now(), public_token=token)
    return link_tokens(context).put(link.token, finished)


def _session(context: Context, link: LinkToken) -> dict[str, object]:
    public = public_tokens(context).get(link.public_token) if link.public_token else None
    added: list[dict[str, object]] = []
    if public is not None:
        institution = {"institution_id": public.institution_id, "name": bank_of(public.institution_id).name}
        added = [{"public_token": public.token, "accounts": [], "institution": institution}]
    results: dict[str, object] = {"item_add_results": added, "document_income_results": None}
    results |= {name: [] for name in _OTHER_RESULTS}
    finished = render.instant(link.finished_at) if link.finished_at else None
    is_left = public is None and link.access_token is None
    return {
        **({"exit": _exit(link)} if is_left or link.exit_error else {}),
        "link_session_id": f"session-{link.token}",
        "started_at": render.instant(link.created_at),
        "finished_at": finished,
        "events": [],
        "results": results,
    }


def _exit(link: LinkToken) -> dict[str, object]:
    """How a person left: the last error they saw, and where they were."""
    failed = login_failed(link.exit_error) if link.exit_error else None
    status = "requires_credentials" if failed else "institution_not_found"
    metadata = {"status": status, "link_session_id": f"session-{link.token}", "request_id": "nOnEnOnEnOnEnOn"}
    return {"error": failed.item_error() if failed else None, "metadata": metadata}


def _lifetime(fields: Fields, access_token: str | None) -> timedelta:
    """How long the link token is good: a hosted page's own time, or what its kind has."""
    hosted = fields.inner("hosted_link")
    if hosted.has("url_lifetime_seconds"):
        return timedelta(seconds=hosted.number("url_lifetime_seconds", 0, 1, _LONGEST_HOSTED_S))
    return _UPDATE_LIFE if access_token else _NEW_LIFE


def _days_requested(fields: Fields) -> int:
    return fields.inner("transactions").number("days_requested", _DEFAULT_DAYS, 1, _MAXIMUM_DAYS)
