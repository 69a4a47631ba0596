"""Reading a Plaid request: the JSON body, its fields, and the two ways of sending credentials."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.requests import Request

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.plaid.errors import PlaidError, invalid_field, invalid_input, missing_fields


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a JSON object; asking for one says what it must be."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A required text field.

        Raises:
            PlaidError: MISSING_FIELDS or INVALID_FIELD.
        """
        value = self.optional_text(name)
        if value is None:
            raise missing_fields(name)
        return value

    def optional_text(self, name: str) -> str | None:
        """A text field, None when absent or null."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid_field(f"{name} must be a string")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty when absent."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise invalid_field(f"{name} must be an array of strings")
        return tuple(value)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within limits, the default when absent."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise invalid_field(f"{name} must be an integer between {low} and {high}")
        return value

    def day(self, name: str) -> date:
        """A required date, YYYY-MM-DD."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise invalid_field(f"{name} must be a date of the form YYYY-MM-DD") from None

    def flag(self, name: str) -> bool:
        """A truth value, false when absent or null."""
        return self.values.get(name) is True

    def inner(self, name: str) -> "Fields":
        """A nested object, empty when absent."""
        value = self.values.get(name) or {}
        if not isinstance(value, dict):
            raise invalid_field(f"{name} must be an object")
        return Fields(value)

    def has(self, name: str) -> bool:
        """Whether the field was sent with anything but null."""
        return self.values.get(name) is not None


async def read(request: Request, config: SandboxConfig) -> Fields:
    """The request's fields, once its JSON and its credentials have proved good.

    Raises:
        PlaidError: INVALID_BODY, MISSING_FIELDS or INVALID_API_KEYS.
    """
    try:
        values = json.loads(await request.body() or b"{}")
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise PlaidError("INVALID_REQUEST", "INVALID_BODY", "body could not be parsed as JSON")
    fields = Fields(values)
    _check_credentials(request, fields, config)
    return fields


def _check_credentials(request: Request, fields: Fields, config: SandboxConfig) -> None:
    sent = {
        "client_id": request.headers.get("plaid-client-id") or fields.optional_text("client_id"),
        "secret": request.headers.get("plaid-secret") or fields.optional_text("secret"),
    }
    missing = [name for name, value in sent.items() if not value]
    if missing:
        raise missing_fields(*missing)
    wanted = {"client_id": config.plaid_client_id, "secret": config.plaid_secret}
    if any(wanted[name] not in {None, value} for name, value in sent.items()):
        raise invalid_input("INVALID_API_KEYS", "invalid client_id or secret provided")
