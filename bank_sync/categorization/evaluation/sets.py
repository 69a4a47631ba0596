"""Sets of labelled rows to measure on: one from a file, and the project's own by language.

Belongs here: reading them into one form. Does not belong here: judging answers (`figures`). The project's
own sets are payees and bank formats written from knowledge, not real transactions; reports say so.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from bank_sync.categorization.taxonomy import PRIMARIES
from bank_sync.domain.errors import BankSyncError

_WANTED = "Each line is a JSON object with description, amount (positive is money out) and a list of labels."
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

    `amount` is positive for money out; `merchant_name` is what the provider says, `merchant` the right name
    where it is known.
    """

    description: str
    amount: float
    currency: str
    account_type: str
    labels: tuple[str, ...]
    source: str
    merchant: str | None = None
    merchant_name: str | None = None

    def asked(self) -> dict[str, Any]:
        """Return the row as `categorize` takes it."""
        return {
            "description": self.description,
            "merchant_name": self.merchant_name,
            "amount": self.amount,
            "currency": self.currency,
            "account_type": self.account_type,
        }


class UnusableRowsError(BankSyncError):
    """A file of labelled rows cannot be used; the message names line and field, and none of its data."""


class _Row(BaseModel):
    """One line of a file; fields beyond these are left alone."""

    description: str
    amount: Annotated[float, Field(allow_inf_nan=False)]
    labels: Annotated[list[str], Field(min_length=1)]
    currency: str | None = None
    account_type: str | None = None
    source: str | None = None
    merchant: str | None = None
    merchant_name: str | None = None


def from_file(path: Path) -> list[Labelled]:
    """Read labelled rows, one JSON object a line: description, amount (positive is out), labels, source.

    Raises UnusableRowsError for a line that is no such row, and for a file without any.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise UnusableRowsError(f"{path.name} is not UTF-8 text. {_WANTED}") from None
    found = [
        _row(line, f"{path.name}, line {number}", path.stem) for number, line in enumerate(lines, 1) if line
    ]
    if not found:
        raise UnusableRowsError(f"{path.name} holds no rows. {_WANTED}")
    return found


def _row(line: str, where: str, source: str) -> Labelled:
    try:
        row = _Row.model_validate_json(line)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, wrong["loc"])) or "the line"
        raise UnusableRowsError(f"{where}: {field}: {wrong['msg']}. {_WANTED}") from None
    unknown = [label for label in row.labels if label not in PRIMARIES]
    if unknown:
        raise UnusableRowsError(f"{where}: labels are primary categories, such as FOOD_AND_DRINK. {_WANTED}")
    return Labelled(
        row.description,
        row.amount,
        row.currency or "",
        row.account_type or "",
        tuple(row.labels),
        row.source or source,
        row.merchant,
        row.merchant_name,
    )


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
