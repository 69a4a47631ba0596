"""Whether a new link is an old connection come back.

Belongs here: the decision from what the accounts are recognised by. Pure. Does not belong here: carrying it
out (`sync.onboarding`).

Re-linking is the normal path: consent ends every 90 to 180 days in the EU, and every new link brings new ids
for the same accounts. Taking it for a new connection would double the ledger; taking a stranger for the old
connection would mix two people's accounts. What is not clear is asked, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a new link is."""

    NEW = "new"
    SAME = "same"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Recognised:
    """The verdict on a new link and the stored connections it is about."""

    verdict: Verdict
    connection_ids: tuple[str, ...] = ()


def recognise(
    told: AbstractSet[str],
    stored: Mapping[str, Mapping[str, str]],
    *,
    stillborn: AbstractSet[str] = frozenset(),
) -> Recognised:
    """Compare the stable keys of a new link's accounts with those of a person's connections at that bank.

    The same: all accounts of one side are on the other, at exactly one connection; or nothing is in common
    but there is one stillborn connection: the new link is the person's second try. New: no account in common
    with any. Anything else is unclear: a joint account seen through two logins is no re-link, and a link
    without accounts says nothing.

    Args:
        told: one key per account of the new link.
        stored: by connection: every key one of its accounts was ever told by, and which account that is.
        stillborn: connections that failed before they ever told an account.
    """
    if not told:
        return Recognised(Verdict.UNCLEAR, tuple(sorted(stored)))
    sharing = {name: keys for name, keys in stored.items() if keys.keys() & told}
    if not sharing:
        return Recognised(Verdict.SAME, tuple(stillborn)) if len(stillborn) == 1 else Recognised(Verdict.NEW)
    containing = tuple(name for name, keys in sharing.items() if _is_contained(told, keys))
    if len(sharing) == 1 and containing:
        return Recognised(Verdict.SAME, containing)
    return Recognised(Verdict.UNCLEAR, tuple(sorted(sharing)))


def _is_contained(told: AbstractSet[str], keys: Mapping[str, str]) -> bool:
    """Whether every account of one side is on the other."""
    found = {keys[key] for key in told & keys.keys()}
    return told <= keys.keys() or found == set(keys.values())
