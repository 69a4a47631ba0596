"""What the model sees of a transaction: hashed spelling and words, and what lists and circumstances say.

Belongs here: the order and the names of the features, the same for training and use. Does not belong here:
what they weigh (`model`), or how text is hashed (`hashing`).
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bank_sync.categorization import hashing
from bank_sync.categorization.amounts import BANDS, bucket, is_round
from bank_sync.categorization.brands import Brand
from bank_sync.categorization.datafiles import toml_table
from bank_sync.categorization.names import HOW_FOUND, KnownName
from bank_sync.categorization.phrases import PhraseIndex
from bank_sync.categorization.reading import Reading
from bank_sync.categorization.rules import KEYWORDS, Circumstances
from bank_sync.categorization.taxonomy import PRIMARIES, primary_of

CLASSES = tuple(sorted(PRIMARIES - {"OTHER"}))
_MOST_REMEMBERED = 16_384
_SURE = 0.5  # a listed fact's value; smaller than 1, for several often say the same

_CHANNELS = toml_table("channels.toml")
FACTS = (
    "any",
    *(f"sign {sign}" for sign in ("in", "out")),
    *(f"account {kind}" for kind in ("depository", "credit", "loan")),
    *(f"sign {sign} account {kind}" for sign in ("in", "out") for kind in ("depository", "credit", "loan")),
    *(f"amount {band}" for band in range(BANDS)),
    "round amount",
    "no name",
    *(f"channel {channel}" for channel in (*_CHANNELS, "unknown")),
    *(f"name {how} {primary}" for how in HOW_FOUND for primary in CLASSES),
    *(f"brand {primary}" for primary in CLASSES),
    "payment service",
    *(f"keyword {name}" for name in KEYWORDS.names),
    *(f"keywords {primary}" for primary in CLASSES),
)
_COLUMN = {name: column for column, name in enumerate(FACTS)}
_CHANNEL_COLUMNS = PhraseIndex(
    (phrase, _COLUMN[f"channel {channel}"]) for channel, phrases in _CHANNELS.items() for phrase in phrases
)
_KEYWORD_COLUMNS = {
    name: [_COLUMN[fact] for fact in (f"keyword {name}", f"keywords {primary}") if fact in _COLUMN]
    for name in KEYWORDS.names
    for primary in [primary_of(KEYWORDS.detailed_of(name))]
}
_WORDS_FROM = 2**hashing.NGRAM_BITS
_FACTS_FROM = _WORDS_FROM + 2**hashing.WORD_BITS
WIDTH = _FACTS_FROM + len(FACTS)


class Seen(NamedTuple):
    """All that is known of one row before the model is asked."""

    reading: Reading
    circumstances: Circumstances
    amount: float
    names: Sequence[KnownName]
    brand: Brand | None
    keywords: Sequence[str]


class Rows(NamedTuple):
    """A sparse matrix: `values` and `columns` of row i stand from starts[i] to starts[i + 1]."""

    values: NDArray[np.float32]
    columns: NDArray[np.int64]
    starts: NDArray[np.int64]


def rows(seen: Sequence[Seen]) -> Rows:
    """Return the features of many transactions as one sparse matrix of WIDTH columns."""
    texts = hashing.join([" ".join(one.reading.core) for one in seen])
    blocks = [
        _hashed(hashing.ngrams(texts), len(seen), 0),
        _hashed(hashing.words(texts), len(seen), _WORDS_FROM),
        _facts(seen),
    ]
    row = np.concatenate([block[0] for block in blocks])
    order = np.argsort(row, kind="stable")
    counts = np.bincount(row, minlength=len(seen))
    return Rows(
        np.concatenate([block[2] for block in blocks])[order],
        np.concatenate([block[1] for block in blocks])[order],
        np.concatenate(([0], np.cumsum(counts))),
    )


_Block = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def _hashed(found: hashing.Hashed, number: int, first_column: int) -> _Block:
    """Give the features of a text equal values, so that long and short texts weigh the same."""
    sizes = np.bincount(found.rows, minlength=number)
    values = (1 / np.sqrt(np.maximum(sizes, 1))).astype(np.float32)
    return found.rows, found.columns + first_column, values[found.rows]


def _facts(seen: Sequence[Seen]) -> _Block:
    columns = [fact_columns(one) for one in seen]
    sizes = np.fromiter(map(len, columns), np.int64, len(columns))
    flat = np.fromiter(chain.from_iterable(columns), np.int64, int(sizes.sum()))
    return (
        np.repeat(np.arange(len(seen)), sizes),
        flat + _FACTS_FROM,
        np.full(len(flat), _SURE, np.float32),
    )


def fact_columns(one: Seen) -> list[int]:
    """Return the places in FACTS of the listed facts that hold for a transaction."""
    found = [*_circumstantial(one.circumstances, one.amount), *_channels(one.reading.all)]
    if not one.reading.core:
        found.append(_COLUMN["no name"])
    if one.brand is not None:
        found.append(_of_brand(one.brand))
    if one.names:
        found += {_COLUMN[f"name {name.how} {name.primary}"] for name in one.names if name.primary in CLASSES}
    if one.keywords:
        found += {column for name in one.keywords for column in _KEYWORD_COLUMNS[name]}
    return found


def _of_brand(brand: Brand) -> int:
    return _COLUMN["payment service" if brand.intermediary else f"brand {primary_of(brand.detailed)}"]


@lru_cache(_MOST_REMEMBERED)
def _circumstantial(of: Circumstances, amount: float) -> list[int]:
    sign = "in" if of.money_in else "out"
    facts = ["any", f"sign {sign}", f"account {of.account}", f"sign {sign} account {of.account}"]
    facts += [f"amount {bucket(amount)}", *(["round amount"] if is_round(amount) else [])]
    return [_COLUMN[name] for name in facts]


def _channels(words: tuple[str, ...]) -> list[int]:
    return sorted(set(_CHANNEL_COLUMNS.payloads(words))) or [_COLUMN["channel unknown"]]
