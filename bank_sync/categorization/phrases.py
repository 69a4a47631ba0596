"""Words and phrases: cutting a descriptor into words and finding many known phrases in it at once.

Belongs here: normalizing text and the phrase index. Does not belong here: what any phrase means.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

Payload = TypeVar("Payload")

_APOSTROPHES = dict.fromkeys(map(ord, "'`\u2018\u2019\u00b4"))
_WEB = re.compile(r"\b(?:https?://)?www\.|https?://")
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_BREAK = re.compile(r"[^\w&]+|_+")
# the same, for most texts and quicker
_ASCII_BREAKS = bytes(32 if _BREAK.match(chr(code)) else code for code in range(128)) + bytes(range(128, 256))
_LIGATURES = str.maketrans({"ø": "o", "œ": "oe", "æ": "ae", "ł": "l"})
# How German texts are written where a bank's system has no umlauts.
_WITHOUT_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_DIGIT = re.compile(r"\d")
_MOST_REMEMBERED = 65_536


def canonical(text: str) -> str:
    """Return `text` in lower case, compatibility-normalized, so that equal looks mean equal strings."""
    if "&amp;" in text:
        text = text.replace("&amp;", "&")
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(_MOST_REMEMBERED)
def folded(word: str) -> str:
    """Return `word` without accents."""
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word)
    return "".join(part for part in parts if not unicodedata.combining(part)).translate(_LIGATURES)


def split_words(canonical_text: str) -> list[str]:
    """Cut text from `canonical` into words; `&` is a word of its own."""
    text = canonical_text
    if "'" in text or "`" in text or not text.isascii():
        text = text.translate(_APOSTROPHES)
    if "www" in text or "http" in text:
        text = _WEB.sub(" ", text)
    if "." in text:
        text = _INITIALS.sub(lambda initials: initials.group().replace(".", "") + " ", text)
    text = text.encode().translate(_ASCII_BREAKS).decode() if text.isascii() else _BREAK.sub(" ", text)
    return text.replace("&", " & ").split() if "&" in text else text.split()


def plain_words(text: str) -> list[str]:
    """Cut any text into lower-case words without accents, the form in which all phrases are compared."""
    return [folded(word) for word in split_words(canonical(text))]


@lru_cache(_MOST_REMEMBERED)
def has_digit(word: str) -> bool:
    """Tell whether a word holds a digit, and so is a number, a date, a code or a mask."""
    return _DIGIT.search(word) is not None


class Match(NamedTuple, Generic[Payload]):
    """One phrase found: the words it covers, `start` to `end` (exclusive), and what it stands for."""

    start: int
    end: int
    payload: Payload


class PhraseIndex(Generic[Payload]):
    """Finds which of many phrases occur in a list of words, in time that hardly depends on their number.

    A phrase is words as `plain_words` cuts them; one with umlauts is also found as ae, oe, ue. A single word
    may end or start with `~`, to match words that begin or end with the rest (`miet~` finds mietzahlung),
    which compounding languages need.
    """

    def __init__(self, entries: Iterable[tuple[str, Payload]]) -> None:
        """Index (phrase, payload) pairs; the same phrase may appear more than once."""
        phrases: dict[tuple[str, ...], list[Payload]] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}  # of phrases by their first word, longest first
        self._heads: dict[str, list[Payload]] = {}
        self._tails: dict[str, list[Payload]] = {}
        for phrase, payload in entries:
            plain = canonical(phrase)
            for spelling in dict.fromkeys((plain, plain.translate(_WITHOUT_UMLAUTS))):
                self._add(phrases, spelling, payload)
        self._hold(phrases)

    @classmethod
    def of_plain(cls, entries: Iterable[tuple[tuple[str, ...], Payload]]) -> PhraseIndex[Payload]:
        """Index phrases that are plain words already, which is quicker for very many; none has `~`."""
        index = cls(())
        phrases: dict[tuple[str, ...], list[Payload]] = {}
        for words, payload in entries:
            phrases.setdefault(words, []).append(payload)
        index._hold(phrases)
        return index

    def _hold(self, phrases: dict[tuple[str, ...], list[Payload]]) -> None:
        # tuples of plain values are nothing that Python's search for cycles comes back to
        self._phrases = {words: tuple(payloads) for words, payloads in phrases.items()}
        lengths: dict[str, set[int]] = {}
        for words in self._phrases:
            lengths.setdefault(words[0], set()).add(len(words))
        self._lengths = {first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()}
        self._firsts = frozenset(self._lengths)
        self._ends = frozenset(words[-1] for words in self._phrases)
        self._stem_lengths = sorted({len(stem) for stem in (*self._heads, *self._tails)})
        self._shortest_stem = min(self._stem_lengths, default=1)
        self._stem_starts = frozenset(stem[: self._shortest_stem] for stem in self._heads)
        self._stem_ends = frozenset(stem[-self._shortest_stem :] for stem in self._tails)
        self._stemless: set[str] = set()  # words found to have no stem

    def _add(self, phrases: dict[tuple[str, ...], list[Payload]], phrase: str, payload: Payload) -> None:
        words = tuple(plain_words(phrase))
        if not words or (phrase.strip("~") != phrase and len(words) > 1):
            message = f"the phrase {phrase!r} needs at least one word, and ~ goes with one word only"
            raise ValueError(message)
        if phrase.endswith("~"):
            self._heads.setdefault(words[0], []).append(payload)
        elif phrase.startswith("~"):
            self._tails.setdefault(words[0], []).append(payload)
        else:
            phrases.setdefault(words, []).append(payload)

    def at(self, words: tuple[str, ...], start: int) -> Iterator[tuple[int, tuple[Payload, ...]]]:
        """Yield where each phrase that begins at `start` ends, longest first, and what it stands for.

        Phrases with `~` are left out.
        """
        size = len(words)
        for length in self._lengths.get(words[start], ()):
            end = start + length
            if end <= size and (payloads := self._phrases.get(words[start:end])):
                yield end, payloads

    def find(self, words: tuple[str, ...]) -> list[Match[Payload]]:
        """Return every phrase in `words`, left to right."""
        found: list[Match[Payload]] = []
        if self._none_in(words):
            return found
        for start, word in enumerate(words):
            if word in self._lengths:
                for end, payloads in self.at(words, start):
                    found += [Match(start, end, payload) for payload in payloads]
            found += [Match(start, start + 1, payload) for payload in self._of_stems((word,))]
        return found

    def payloads(self, words: tuple[str, ...]) -> list[Payload]:
        """Return what the phrases in `words` stand for, in no particular order."""
        found = self._of_stems(words)
        if self._firsts.isdisjoint(words):
            return found
        size = len(words)
        for start, word in enumerate(words):
            if word in self._lengths:
                for length in self._lengths[word]:
                    if start + length <= size:
                        found += self._phrases.get(words[start : start + length], ())
        return found

    def _none_in(self, words: tuple[str, ...]) -> bool:
        """Tell quickly that no phrase is in `words`, as is usual."""
        return self._firsts.isdisjoint(words) and not self._of_stems(words)

    def holds(self, words: tuple[str, ...]) -> bool:
        """Tell whether all these words are one phrase, those with `~` aside."""
        return words in self._phrases

    def may_begin(self, word: str) -> bool:
        """Tell whether some phrase, those with `~` aside, begins with this word."""
        return word in self._firsts

    def may_end(self, word: str) -> bool:
        """Tell whether some phrase, those with `~` aside, ends in this word."""
        return word in self._ends

    def _of_stems(self, words: tuple[str, ...]) -> list[Payload]:
        found: list[Payload] = []
        if not self._stem_lengths or self._stemless.issuperset(words):
            return found
        if len(self._stemless) > _MOST_REMEMBERED:
            self._stemless.clear()
        for word in words:
            if word not in self._stemless:
                payloads = self._stems(word)
                found += payloads
                if not payloads:
                    self._stemless.add(word)
        return found

    def _stems(self, word: str) -> list[Payload]:
        found: list[Payload] = []
        shortest = self._shortest_stem
        if word[:shortest] not in self._stem_starts and word[-shortest:] not in self._stem_ends:
            return found
        for length in self._stem_lengths:
            if length > len(word):
                break
            found += self._heads.get(word[:length], ())
            found += self._tails.get(word[-length:], ())
        return found
