"""Turns many texts at once into hashed features: character n-grams, words and pairs of words.

Belongs here: the arithmetic of hashing, which training and use must share to the bit. Does not belong here:
what a text is made of (`features`) or what a feature weighs (`model`).

All texts are joined into one array of bytes and every n-gram's hash is the difference of two prefix sums, so
that the work is done by numpy and costs some microseconds a text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NGRAM_BITS = 17
WORD_BITS = 16
NGRAM_LENGTHS = (3, 4, 5)
_BASE = 1_099_511_628_211  # odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 2**64)
_MIX = 0x9E3779B97F4A7C15
_SPACE = 32

Integers = NDArray[np.int64]


class Hashed(NamedTuple):
    """Features found: `rows[i]` is the text that feature `columns[i]` belongs to; equal ones may repeat."""

    rows: Integers
    columns: Integers


class Joined(NamedTuple):
    """Texts in one array of bytes, with what the hash of any part of it needs."""

    data: NDArray[np.uint8]
    prefix: NDArray[np.uint64]
    undo: NDArray[np.uint64]
    row_of: Integers


def join(texts: Sequence[str]) -> Joined:
    """Join texts, each within one space on either side, and sum powers of the base from the left."""
    encoded = [b" " + text.encode("ascii", "replace") + b" " for text in texts]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    powers = np.full(len(data), _BASE, np.uint64)
    powers[:1] = 1
    undo = np.full(len(data), _INVERSE, np.uint64)
    undo[:1] = 1
    prefix = np.zeros(len(data) + 1, np.uint64)
    np.cumsum((data.astype(np.uint64) + np.uint64(1)) * np.cumprod(powers), out=prefix[1:])
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return Joined(data, prefix, np.cumprod(undo), np.repeat(np.arange(len(encoded)), lengths))


def _hash(joined: Joined, starts: Integers, ends: Integers, bits: int) -> Integers:
    value = (joined.prefix[ends] - joined.prefix[starts]) * joined.undo[starts]
    value ^= value >> np.uint64(29)
    value *= np.uint64(_MIX)
    return (value >> np.uint64(64 - bits)).astype(np.int64)


def ngrams(joined: Joined) -> Hashed:
    """Hash the character n-grams of each word, with its spaces, into 2**NGRAM_BITS columns."""
    spaces = np.concatenate(([0], np.cumsum(joined.data == _SPACE)))
    rows, columns = [], []
    for length in NGRAM_LENGTHS:
        starts = np.arange(max(len(joined.data) - length + 1, 0))
        inside = spaces[starts + length - 1] - spaces[starts + 1]
        starts = starts[inside == 0]
        rows.append(joined.row_of[starts])
        columns.append(_hash(joined, starts, starts + length, NGRAM_BITS))
    return Hashed(np.concatenate(rows), np.concatenate(columns))


def words(joined: Joined) -> Hashed:
    """Hash each text's words and neighbouring pairs of words into 2**WORD_BITS columns."""
    is_space = joined.data == _SPACE
    starts = np.flatnonzero(~is_space & np.concatenate(([True], is_space[:-1])))
    ends = np.flatnonzero(~is_space & np.concatenate((is_space[1:], [True]))) + 1
    rows = joined.row_of[starts]
    pairs = np.flatnonzero(rows[:-1] == rows[1:])
    firsts = np.concatenate((starts, starts[pairs]))
    lasts = np.concatenate((ends, ends[pairs + 1]))
    return Hashed(np.concatenate((rows, rows[pairs])), _hash(joined, firsts, lasts, WORD_BITS))
