"""The door for commands: what is to happen at a bank, or to a link, from now on.

Here: which fields each command takes, and entering it in the book of the person at the bank. Not here: what
it means (`world.following`, `link_commands`), or what a field must be (`wishes`).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bank_sync.sandbox import links
from bank_sync.sandbox.context import Context, book_commands
from bank_sync.sandbox.link_commands import change_link, is_about_a_link
from bank_sync.sandbox.wishes import Wish, exact
from bank_sync.sandbox.world.book import BookError, Command, Ids

_DESCRIPTION = "SCRIPTED MOVEMENT"
Fields = dict[str, object]


def obey(context: Context, sent: Mapping[str, Any]) -> Fields:
    """Follow one command; gives what its sender is told.

    Raises:
        BookError: 400 for nonsense, 404 for a link, account or movement that is not there.
    """
    link = links.find(context, str(sent.get("provider")), str(sent.get("token")))
    if link is None:
        raise BookError(404, "No such link: send provider (plaid, teller, gocardless) and a living token.")
    op, wish = str(sent.get("op")), Wish(link, context.now(), sent)
    concerns_link = is_about_a_link(link.provider, op)
    if op not in _FIELDS and not concerns_link:
        raise BookError(400, "No such command for a link of this provider.")
    fields = _FIELDS[op](wish) if op in _FIELDS else {}
    keys = _enter(context, wish, op, fields) if op in _FIELDS else []
    if concerns_link:
        change_link(context, op, wish)
    return _answer(op, fields, keys)


def _answer(op: str, fields: Mapping[str, object], keys: list[str]) -> Fields:
    """What came of it: several movements where several were asked for."""
    if op in {"spend", "settle"}:
        return {"movements": keys} if fields.get("count") or fields.get("parts") else {"movement": keys[0]}
    return {"movement": fields["movement"]} if "movement" in fields else {"op": op}


def _enter(context: Context, wish: Wish, op: str, fields: Mapping[str, object]) -> list[str]:
    """Enter a checked command in the person's book at the bank, where a restart finds it again."""
    life, serial = wish.link.life, context.store.next_serial()
    command = Command(serial, life.bank.key, life.person.key, wish.now, op, json.dumps(fields))
    keys = context.world.command(command)
    book_commands(context.store).put(str(serial), command)
    return keys


def _spend(wish: Wish) -> Fields:
    account, pending = wish.account(), wish.flag("pending") or False
    currency = wish.link.life.book.accounts[account].currency
    booked_on = wish.day("booked_on")
    if pending and booked_on:
        raise BookError(400, "What is pending has no booked_on.")
    return {
        "account": account,
        "amount": wish.amount("amount", currency) or exact(None, currency),
        "description": wish.text("description") or _DESCRIPTION,
        "pending": pending,
        "booked_on": booked_on,
        "authorised_on": wish.day("authorised_on", wish.now.date()),
        "counterparty": wish.text("counterparty"),
        "count": wish.number("count"),
    }


def _settle(wish: Wish) -> Fields:
    movement, link = wish.movement(), wish.choice("link", "right", "none", "wrong")
    if link in {"none", "wrong"} and wish.link.provider != "plaid":
        raise BookError(400, "Only Plaid says which pending row a posted one was.")
    other = wish.movement("wrong_of") if link == "wrong" else None
    if other is not None and other.account != movement.account:
        raise BookError(400, "wrong_of must be a movement of the same account.")
    parts = wish.values.get("parts")
    if parts is not None and not (isinstance(parts, list) and parts):
        raise BookError(400, "parts must be a list of amounts.")
    return {
        **_changes(wish),
        "parts": [exact(part, movement.account.currency) for part in parts or ()],
        "link": link,
        "wrong_of": other.key if other else None,
    }


def _changes(wish: Wish) -> Fields:
    movement = wish.movement()
    return {
        "movement": movement.key,
        "amount": wish.amount("amount", movement.account.currency),
        "description": wish.text("description"),
        "booked_on": wish.day("booked_on"),
    }


def _movement(wish: Wish) -> Fields:
    return {"movement": wish.text("movement")}


def _churn(wish: Wish) -> Fields:
    every_read, positional = wish.flag("every_read"), wish.flag("positional")
    if wish.link.provider == "plaid" and (every_read or positional):
        raise BookError(400, "Plaid's ids never change between reads.")
    ids = Ids.EVERY_READ if every_read else Ids.POSITIONAL if positional else Ids.STABLE
    return {
        "account": wish.account(),
        "ids": ids,
        "is_mode_only": every_read is not None or positional is not None,
        "silent": wish.flag("silent"),
    }


def _outage(wish: Wish) -> Fields:
    is_on = wish.flag("on")
    if is_on is None:
        raise BookError(400, "Send on, true or false.")
    return {"on": is_on}


def _account(wish: Wish) -> Fields:
    return {"account": wish.account()}


def _renewed_account(wish: Wish) -> Fields:
    return {"account": wish.account(), "link": wish.link.id}


_FIELDS: Mapping[str, Callable[[Wish], Fields]] = {
    "spend": _spend,
    "settle": _settle,
    "cancel": _movement,
    "correct": _changes,
    "remove": _movement,
    "restore": _movement,
    "churn": _churn,
    "outage": _outage,
    "close_account": _account,
    "reopen_account": _account,
    "renew_account": _renewed_account,
}
