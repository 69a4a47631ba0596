"""Reading rows one by one, so that a bad one is set aside and the others go on.

Belongs here: what the wire modules of all providers share on the read side. Does not belong here: any
provider's field names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from bank_sync.domain.errors import AmountRefused, ContractBroken
from bank_sync.domain.models import Page, Rejected
from bank_sync.providers.json_text import NotJson, decode_json
from bank_sync.providers.minimise import storable_text

Record = TypeVar("Record")
Model = TypeVar("Model", bound=BaseModel)

_ISO_DATE_LENGTH = 10


class WireModel(BaseModel):
    """Base of all wire models: unknown fields are ignored, and no error text repeats the input."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class RowRefused(Exception):
    """A row breaks a rule that types cannot say; `reason` is code-like and free of data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_rows(
    rows: Sequence[object], locator: str, convert: Callable[[object], Record]
) -> Iterator[Record | Rejected]:
    """Convert each row, or say why it was set aside and where it stands (`added[3]`)."""
    for number, row in enumerate(rows):
        yield read_row(row, f"{locator}[{number}]", convert)


def read_row(row: object, locator: str, convert: Callable[[object], Record]) -> Record | Rejected:
    """Convert one row; a refusal becomes a value."""
    try:
        return convert(row)
    except ValidationError as error:
        return Rejected(reason_of(error), locator)
    except (AmountRefused, RowRefused) as error:
        return Rejected(str(error), locator)


def read_envelope(model: type[Model], page: Page) -> Model | Rejected:
    """The outer object of a stored page, or why the whole page is unreadable."""
    try:
        return model.model_validate(decode_json(page.body))
    except NotJson:
        return Rejected("not_json", "page")
    except ValidationError as error:
        return Rejected(reason_of(error), "page")


def checked_envelope(model: type[Model], value: object, provider: str) -> Model:
    """The outer object of a fresh answer.

    Raises:
        ContractBroken: a required field is gone or has another type, so that no round may build on it.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise ContractBroken(provider=provider, detail=reason_of(error)) from None


def reason_of(error: ValidationError) -> str:
    """`missing:date` or `invalid:amount`, of the first complaint."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(step) for step in first["loc"]) or "row"
    return f"missing:{path}" if first["type"] == "missing" else f"invalid:{path}"


def _bank_date(value: object) -> date:
    """A calendar day as the bank writes it: never a number, never a moment turned by a time zone."""
    if not isinstance(value, str) or len(value) != _ISO_DATE_LENGTH:
        raise ValueError("not_a_date")
    return date.fromisoformat(value)


def _stored_text(value: object) -> object:
    return storable_text(value) if isinstance(value, str) else value


BankDate = Annotated[date, BeforeValidator(_bank_date)]
Text = Annotated[str, BeforeValidator(_stored_text)]
