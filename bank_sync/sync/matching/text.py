"""How alike two bank texts are.

Belongs here: likeness between 0 and 1. Does not belong here: who the merchant is (`categorization`).

Banks wrap the same shop in other words while it is held and once it is booked (`Vorgemerkt LIDL` and
`VISA Debitkartenumsatz LIDL//BERLIN/DE 2026-03-01`). What counts is therefore how much of the shorter text
is found in the longer one, leaving out the words of the trade.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_PREFIX = 4  # texts are cut at fixed widths: a long enough beginning is the same word
_ALMOST = 0.85  # one letter of six may differ
_TRADE = frozenset(
    [
        "authorisation",
        "authorization",
        "autorisation",
        "autorizacion",
        "belopp",
        "betaalpas",
        "betaling",
        "betaalverzoek",
        "buy",
        "by",
        "card",
        "carte",
        "cb",
        "chip",
        "compra",
        "contactless",
        "credit",
        "crd",
        "debit",
        "debitkartenumsatz",
        "de",
        "des",
        "du",
        "en",
        "for",
        "from",
        "gereserveerd",
        "hold",
        "kartenzahlung",
        "karte",
        "kauf",
        "kurs",
        "la",
        "le",
        "of",
        "on",
        "order",
        "paiement",
        "pago",
        "par",
        "payment",
        "pending",
        "pos",
        "preauth",
        "purchase",
        "rate",
        "reservation",
        "reserved",
        "retencion",
        "skyddat",
        "svwz",
        "tarjeta",
        "the",
        "to",
        "transaction",
        "umsatz",
        "visa",
        "mastercard",
        "maestro",
        "vorgemerkt",
        "web",
    ]
)


def likeness(one: Iterable[str | None], other: Iterable[str | None]) -> float:
    """The best likeness of any text of one transaction with any text of another; 0 where one says nothing."""
    ours = {text for text in one if text and text.strip()}
    theirs = {text for text in other if text and text.strip()}
    return max((_likeness(mine, yours) for mine in ours for yours in theirs), default=0.0)


@lru_cache(maxsize=65_536)
def _likeness(one: str, other: str) -> float:
    shorter, longer = sorted((_words(one), _words(other)), key=lambda words: sum(map(len, words)))
    if not shorter:
        return 1.0 if one.casefold().split() == other.casefold().split() else 0.0
    found = sum(len(word) for word in shorter if any(_same(word, candidate) for candidate in longer))
    return found / sum(map(len, shorter))


@lru_cache(maxsize=65_536)
def _words(text: str) -> tuple[str, ...]:
    """Words with letters alone, without those every bank uses."""
    found = (word.casefold() for word in _WORD.findall(text))
    return tuple(word for word in found if word not in _TRADE and len(word) > 1)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    if min(len(one), len(other)) < _SHORTEST_PREFIX:
        return False
    if one.startswith(other) or other.startswith(one):
        return True
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALMOST
