"""Sets of labelled rows to measure on: one from a file, and the project's own by language.

Belongs here: reading them into one form. Does not belong here: judging answers (`figures`). The project's
own sets are payees and bank formats written from knowledge, not real transactions; reports say so.
"""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

_FOLDER = files("bank_sync.categorization") / "data" / "evaluation"
LANGUAGES = ("dutch", "french", "german", "italian", "nordic", "spanish")
_LETTERS = {
    "B": "BANK_FEES",
    "C": "MEDICAL",
    "D": "LOAN_DISBURSEMENTS",
    "E": "ENTERTAINMENT",
    "F": "FOOD_AND_DRINK",
    "G": "GOVERNMENT_AND_NON_PROFIT",
    "H": "HOME_IMPROVEMENT",
    "I": "TRANSFER_IN",
    "L": "LOAN_PAYMENTS",
    "M": "GENERAL_MERCHANDISE",
    "N": "INCOME",
    "P": "PERSONAL_CARE",
    "S": "GENERAL_SERVICES",
    "T": "TRANSPORTATION",
    "U": "RENT_AND_UTILITIES",
    "V": "TRAVEL",
    "X": "TRANSFER_OUT",
}
_FORMATS_EACH = 2


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row and its answers: `labels` the right primary first, then others that are also right.

    `amount` is positive for money out; `merchant` is the merchant's name where it is known.
    """

    description: str
    amount: float
    currency: str
    account_type: str
    labels: tuple[str, ...]
    source: str
    merchant: str | None = None

    def asked(self) -> dict[str, Any]:
        """Return the row as `categorize` takes it."""
        return {
            "description": self.description,
            "amount": self.amount,
            "currency": self.currency,
            "account_type": self.account_type,
        }


def from_file(path: Path) -> list[Labelled]:
    """Read labelled rows, one JSON object a line: description, amount (positive is out), labels, source."""
    with path.open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines if line.strip()]
    return [
        Labelled(
            row["description"],
            float(row["amount"]),
            row.get("currency", ""),
            row.get("account_type", ""),
            tuple(row["labels"]),
            row.get("source", path.stem),
            row.get("merchant"),
        )
        for row in found
    ]


def own() -> list[Labelled]:
    """Return the project's own sets, each payee in two of its country's formats."""
    return [row for language in LANGUAGES for row in _language(language)]


def _language(language: str) -> Iterator[Labelled]:
    table = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    payees = [line.split("|") for line in table["payees"]["rows"].strip().splitlines()]
    for number, (payee, letter, channel, amount) in enumerate(payees):
        formats = table["formats"][channel]
        for turn in range(_FORMATS_EACH):
            city = table["cities"][(number + turn) % len(table["cities"])]
            text = formats[(number + turn) % len(formats)].format(P=payee.upper() if turn else payee, c=city)
            merchant = payee if channel in ("card", "debit") else None
            yield Labelled(
                text,
                float(amount),
                table.get("currency", "EUR"),
                "depository",
                (_LETTERS[letter],),
                f"own {language}",
                merchant,
            )
