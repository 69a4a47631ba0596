"""What each command about a person's accounts means.

Here: one function per command, from a checked wish to an entry in the book. Not here: checking a wish as it
came off the wire, and commands about one link alone.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bank_sync.sandbox.world.book import Book, Command, Event, Ids, RowChange, Verb
from bank_sync.sandbox.world.scripted import changed, settled, spent

Wish = Mapping[str, Any]


def follow(book: Book, command: Command) -> list[str]:
    """Do what the command says; gives the keys of the movements it made or met.

    Raises:
        BookError: It cannot be done; nothing has changed.
    """
    return _MEANINGS[command.op](book, command, json.loads(command.body))


def _spend(book: Book, command: Command, wish: Wish) -> list[str]:
    account, pending = book.accounts[wish["account"]], bool(wish.get("pending"))
    keys = [book.next_key() for _ in range(wish.get("count") or 1)]
    new = [spent(key, account, command.at, wish) for key in keys]
    return _enter(book, command, *(RowChange(Verb.ADDED, movement, pending) for movement in new))


def _settle(book: Book, command: Command, wish: Wish) -> list[str]:
    held = book.pending(wish["movement"], command.at)
    whole = replace(settled(held, command.at, wish), claim=_claim(book, command, wish))
    booked = [
        replace(whole, key=book.next_key(), parent=held.key, amount=Decimal(part), is_scripted=True)
        for part in wish.get("parts") or ()
    ]
    added = [RowChange(Verb.ADDED, movement, pending=False) for movement in booked or [whole]]
    return _enter(book, command, RowChange(Verb.REMOVED, held, pending=True), *added)


def _claim(book: Book, command: Command, wish: Wish) -> str | None:
    """What the provider will say the row was before: the truth (None), nothing, or somebody else."""
    if wish.get("link") != "wrong":
        return "" if wish.get("link") == "none" else None
    other = book.find(wish["wrong_of"], command.at)
    return other.pending_key or other.key


def _cancel(book: Book, command: Command, wish: Wish) -> list[str]:
    held = book.pending(wish["movement"], command.at)
    return _enter(book, command, RowChange(Verb.REMOVED, held, pending=True))


def _correct(book: Book, command: Command, wish: Wish) -> list[str]:
    new = changed(book.posted(wish["movement"], command.at), wish)
    return _enter(book, command, RowChange(Verb.MODIFIED, new, pending=False))


def _remove(book: Book, command: Command, wish: Wish) -> list[str]:
    old = book.posted(wish["movement"], command.at)
    book.removed[old.key] = replace(old, refined_at=None)
    return _enter(book, command, RowChange(Verb.REMOVED, old, pending=False))


def _restore(book: Book, command: Command, wish: Wish) -> list[str]:
    back = book.taken_back(wish["movement"])
    del book.removed[back.key]
    return _enter(book, command, RowChange(Verb.ADDED, back, pending=False))


def _churn(book: Book, command: Command, wish: Wish) -> list[str]:
    book.ids[wish["account"]] = Ids(wish["ids"])
    if wish["is_mode_only"]:
        return _enter(book, command)
    old = book.booked(wish["account"], command.at)
    new = [replace(row, row_key=f"{row.key}~{command.serial}", refined_at=None) for row in old]
    changes = [RowChange(Verb.REMOVED, row, pending=False) for row in old]
    changes += [RowChange(Verb.ADDED, row, pending=False) for row in new]
    return _enter(book, command, *changes, is_silent=bool(wish.get("silent")))


def _outage(book: Book, command: Command, wish: Wish) -> list[str]:
    book.is_out = bool(wish["on"])
    return _enter(book, command)


def _close(book: Book, command: Command, wish: Wish) -> list[str]:
    book.closed.add(wish["account"])
    return _enter(book, command)


def _reopen(book: Book, command: Command, wish: Wish) -> list[str]:
    book.closed.discard(wish["account"])
    book.enter(Event(command.at, command.serial, reopened=wish["account"]))
    return []


def _renew(book: Book, command: Command, wish: Wish) -> list[str]:
    book.enter(Event(command.at, command.serial, renewed=(wish["link"], wish["account"])))
    return []


def _enter(book: Book, command: Command, *changes: RowChange, is_silent: bool = False) -> list[str]:
    book.enter(Event(command.at, command.serial, changes, is_silent=is_silent))
    return [change.movement.key for change in changes if change.verb is not Verb.REMOVED]


_MEANINGS: Mapping[str, Callable[[Book, Command, Wish], list[str]]] = {
    "spend": _spend,
    "settle": _settle,
    "cancel": _cancel,
    "correct": _correct,
    "remove": _remove,
    "restore": _restore,
    "churn": _churn,
    "outage": _outage,
    "close_account": _close,
    "reopen_account": _reopen,
    "renew_account": _renew,
}
