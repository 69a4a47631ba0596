"""The institutions Plaid knows: its numbers for the banks of the world, and three ways to ask for them."""

from collections.abc import Mapping

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid.errors import invalid_field, invalid_input
from bank_sync.sandbox.plaid.records import items
from bank_sync.sandbox.plaid.render import instant
from bank_sync.sandbox.plaid.request import Fields
from bank_sync.sandbox.world.banks import BANKS
from bank_sync.sandbox.world.model import Bank

BANK_OF: Mapping[str, str] = {
    "ins_109508": "platypus",
    "ins_109509": "gingham",
    "ins_109510": "tattersall",
    "ins_109511": "tartan",
    "ins_109512": "houndstooth",
    "ins_117650": "royal_plaid",
    "ins_56": "chase",
    "ins_127989": "bank_of_america",
    "ins_127991": "wells_fargo",
    "ins_128026": "capital_one",
}
_ALL_WELL = {"success": 1.0, "error_plaid": 0.0, "error_institution": 0.0}
_PRODUCTS = ["auth", "balance", "identity", "transactions"]


def bank_of(institution_id: str) -> Bank:
    """The bank behind an institution id.

    Raises:
        PlaidError: INVALID_INSTITUTION.
    """
    if institution_id not in BANK_OF:
        raise invalid_input("INVALID_INSTITUTION", "invalid institution_id provided")
    return BANKS[BANK_OF[institution_id]]


def get(_: Context, fields: Fields) -> dict[str, object]:
    """/institutions/get: a page of the list."""
    for name in ("count", "offset"):
        if not fields.has(name):
            raise invalid_field(f"{name} must be an integer")
    offset, count = fields.number("offset", 0, 0, 10_000), fields.number("count", 100, 1, 500)
    found = _within(fields)
    page = [_speak(each, fields) for each in found[offset : offset + count]]
    return {"institutions": page, "total": len(found)}


def search(_: Context, fields: Fields) -> dict[str, object]:
    """/institutions/search: those whose name contains the query."""
    query = fields.text("query").casefold()
    found = [each for each in _within(fields) if query in bank_of(each).name.casefold()]
    return {"institutions": [_speak(each, fields) for each in found[:10]]}


def get_by_id(context: Context, fields: Fields) -> dict[str, object]:
    """/institutions/get_by_id: one institution."""
    institution_id = fields.text("institution_id")
    bank_of(institution_id)
    spoken = _speak(institution_id, fields)
    if fields.inner("options").flag("include_status"):
        spoken["status"] = _status(context, institution_id)
    return {"institution": spoken}


def _status(context: Context, institution_id: str) -> dict[str, object]:
    """How well logins and updates go: badly while the bank is out for any Item."""
    is_out = any(
        context.world.life(BANK_OF[institution_id], item.user_key, context.now()).book.is_out
        for item in items(context)
        if item.institution_id == institution_id
    )
    share = {"success": 0.0, "error_plaid": 0.0, "error_institution": 1.0} if is_out else _ALL_WELL
    state = {
        "status": "DOWN" if is_out else "HEALTHY",
        "last_status_change": instant(context.now()),
        "breakdown": share,
    }
    updates = {**state, "breakdown": {**share, "refresh_interval": "STOPPED" if is_out else "NORMAL"}}
    return {"item_logins": state, "transactions_updates": updates}


def _within(fields: Fields) -> list[str]:
    countries = {code.upper() for code in fields.texts("country_codes")}
    return [each for each in BANK_OF if not countries or bank_of(each).country in countries]


def _speak(institution_id: str, fields: Fields) -> dict[str, object]:
    bank = bank_of(institution_id)
    spoken: dict[str, object] = {
        "institution_id": institution_id,
        "name": bank.name,
        "products": _PRODUCTS,
        "country_codes": [bank.country],
        "routing_numbers": [bank.routing_number] if bank.routing_number else [],
        "oauth": False,
        "connection_availability": "SUPPORTED",  # the official client wants it
    }
    if fields.inner("options").flag("include_optional_metadata"):
        spoken |= {"url": "https://plaid.com", "primary_color": "#004966", "logo": None}
    return spoken
