"""What the API speaks about the person as a whole.

Belongs here: the bodies of `web.people`. Does not belong here: connections and what they hold (`web.models`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bank_sync.notifications.preferences import KINDS
from bank_sync.web.models import Wish

Kind = Annotated[str, Field(pattern=f"^({'|'.join(KINDS)})$")]


class SessionWish(Wish):
    """Which page to open for the person."""

    page: Literal["connect", "connections"] = "connect"


class SessionBody(BaseModel):
    """An address to open in the person's browser, once, before `expires_at`."""

    url: str
    expires_at: datetime


class ErasedBody(BaseModel):
    """The person is forgotten: under the same reference somebody new would begin."""

    status: Literal["erasing"] = "erasing"
    connections: int = Field(description="How many connections have ended with it.")


class PreferencesWish(Wish):
    """Which messages the person does not want; all others are wanted."""

    unwanted: Annotated[list[Kind], Field(max_length=50)]


class PreferencesBody(BaseModel):
    """What the person said of messages, and every kind there is."""

    unwanted: list[str]
    kinds: list[str]
