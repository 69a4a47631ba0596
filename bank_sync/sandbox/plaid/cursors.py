"""The cursors of `/transactions/sync`: a place in an Item's log, in letters that mean nothing to a client.

A cursor also tells whether its page was the last of its loop, and how often the Item's cursors were lost.
"""

import base64
import binascii
from dataclasses import dataclass

from bank_sync.sandbox.plaid.errors import invalid_field
from bank_sync.sandbox.plaid.records import Item


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the log; `is_within` is true after a page that was not the last of its loop."""

    position: int
    is_within: bool = False

    def spoken(self, item: Item) -> str:
        """The text a client is given."""
        parts = (item.item_id, item.cursor_age, self.position, int(self.is_within))
        return base64.b64encode(":".join(str(part) for part in parts).encode()).decode()


def is_within_loop(text: str) -> bool:
    """Whether a client that sends this cursor is between two pages of one loop."""
    try:
        return base64.b64decode(text, validate=True).endswith(b":1")
    except binascii.Error:
        return False


def read_cursor(item: Item, text: str, end: int) -> Cursor:
    """The place a cursor means in a log of that length: nothing is the beginning, "now" the end.

    Raises:
        PlaidError: INVALID_FIELD for a cursor that is not this Item's, or was lost.
    """
    if text in {"", "now"}:
        return Cursor(end if text else 0)
    try:
        item_id, age, position, is_within = base64.b64decode(text, validate=True).decode().split(":")
        if (item_id, int(age)) == (item.item_id, item.cursor_age):
            return Cursor(min(int(position), end), is_within == "1")
    except (binascii.Error, ValueError):
        pass
    raise invalid_field("cursor not associated with access_token")
