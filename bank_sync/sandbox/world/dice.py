"""Chance that can be thrown again: numbers and identifiers drawn from a key by hashing.

Here: the dice and the identifier makers. Not here: anything that knows what is being decided.
"""

import hashlib
import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

_CODES_KEPT = 32_768  # every row spells two or three, the same at every read
_MASK = 0xFFFFFFFFFFFFFFFF
ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
LOWER_ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyz0123456789"
UPPER_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
DIGITS = "0123456789"
HEXADECIMAL = "0123456789abcdef"


def digest(*key: object) -> bytes:
    """32 bytes that depend on every part of the key and on nothing else (never on Python's salted `hash`)."""
    text = "\x1f".join(str(part) for part in key)
    return hashlib.blake2b(text.encode(), digest_size=32).digest()


@lru_cache(_CODES_KEPT, typed=True)  # typed: 1 and True are different keys
def code(alphabet: str, length: int, *key: object) -> str:
    """An identifier of `length` letters from `alphabet`, always the same for the same key."""
    number = int.from_bytes(hashlib.blake2b(digest(*key), digest_size=64).digest())
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        letters.append(alphabet[index])
    return "".join(letters)


def uuid_of(*key: object) -> str:
    """A version 4 UUID in text, always the same for the same key."""
    return str(uuid.UUID(bytes=digest(*key)[:16], version=4))


class Dice:
    """A stream of chances decided by its key.

    SplitMix64, written out: the library's generator may change what it draws between Python versions, and the
    same seed has to show the same past for ever.
    """

    __slots__ = ("_state",)

    def __init__(self, *key: object) -> None:
        self._state = int.from_bytes(digest(*key)[:8])

    def unit(self) -> float:
        """A number from 0 up to, not including, 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)

    def chance(self, probability: float) -> bool:
        """True in `probability` of all throws."""
        return self.unit() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely as the others."""
        return choices[self.between(0, len(choices) - 1)]
