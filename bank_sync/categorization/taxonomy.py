"""Plaid's Personal Finance Category taxonomy, version 2, and how version 1 maps on to it and back.

Belongs here: which codes exist and how they relate. Does not belong here: deciding which code a transaction
gets.
"""

from functools import cache

from bank_sync.categorization.datafiles import csv_rows

TAXONOMY_VERSION = "pfc_v2"

_ROWS = csv_rows("taxonomy.csv")
_PRIMARY_OF = {row["detailed"]: row["primary"] for row in _ROWS if row["version"] != "v1"}
_UPGRADE = {row["detailed"]: row["counterpart"] for row in _ROWS if row["version"] == "v1"}
_FOLD = {row["detailed"]: row["counterpart"] for row in _ROWS if row["version"] == "v2"}

DETAILED: frozenset[str] = frozenset(_PRIMARY_OF)
PRIMARIES: frozenset[str] = frozenset(_PRIMARY_OF.values())

_TURNED = {
    "TRANSFER_OUT_WITHDRAWAL": "TRANSFER_IN_DEPOSIT",
    "TRANSFER_OUT_CRYPTO": "TRANSFER_IN_OTHER_TRANSFER_IN",
    "TRANSFER_OUT_OTHER_TRANSFER_OUT": "TRANSFER_IN_OTHER_TRANSFER_IN",
    "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS": "TRANSFER_IN_TRANSFER_IN_FROM_APPS",
    "TRANSFER_IN_DEPOSIT": "TRANSFER_OUT_OTHER_TRANSFER_OUT",
    "TRANSFER_IN_OTHER_TRANSFER_IN": "TRANSFER_OUT_OTHER_TRANSFER_OUT",
    "TRANSFER_IN_TRANSFER_IN_FROM_APPS": "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS",
}
_ONLY_IN = ("INCOME_", "TRANSFER_IN_", "LOAN_DISBURSEMENTS_")


def is_known(detailed: str) -> bool:
    """Tell whether `detailed` is a version 2 code."""
    return detailed in DETAILED


def primary_of(detailed: str) -> str | None:
    """Return the primary category of a version 2 detailed code, or None for any other text."""
    return _PRIMARY_OF.get(detailed)


def upgrade(detailed: str) -> str | None:
    """Return the version 2 code for a code of either version, or None where the code is unknown."""
    return detailed if detailed in DETAILED else _UPGRADE.get(detailed)


def fold(detailed: str) -> str | None:
    """Return the version 1 code nearest to a version 2 code, or None where version 1 had no such idea."""
    if detailed not in DETAILED:
        return None
    return _FOLD.get(detailed, detailed) or None


@cache
def with_direction(detailed: str, *, money_in: bool) -> str | None:
    """Return the code that fits the direction money moved: a transfer is turned round, or None if impossible.

    Spending codes fit both directions, because a refund belongs to what was bought; income never flows out.
    """
    if money_in and detailed.startswith("TRANSFER_OUT_"):
        return _TURNED.get(detailed, detailed.replace("TRANSFER_OUT_", "TRANSFER_IN_", 1))
    if not money_in and detailed.startswith("TRANSFER_IN_"):
        return _TURNED.get(detailed, detailed.replace("TRANSFER_IN_", "TRANSFER_OUT_", 1))
    if not money_in and detailed.startswith(_ONLY_IN):
        return None
    return detailed
