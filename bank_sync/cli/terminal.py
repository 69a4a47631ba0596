"""How things look in the terminal: consoles, times in words, JSON.

Belongs here: what several commands print alike. Does not belong here: queries.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import humanize
from rich.console import Console
from rich.table import Table

out = Console()
err = Console(stderr=True)

_STATE_STYLES = {
    "connected": "green",
    "pending_refresh": "yellow",
    "disconnected": "red",
    "error": "red",
    "succeeded": "green",
    "partial": "yellow",
    "failed": "red",
}


def state(word: str) -> str:
    """A state in its colour, as Rich markup."""
    style = _STATE_STYLES.get(word, "dim")
    return f"[{style}]{word}[/{style}]"


def ago(moment: datetime | None, now: datetime) -> str:
    """`3 minutes ago`, `in 2 hours` or `never`."""
    if moment is None:
        return "never"
    span = humanize.naturaldelta(abs(moment - now))
    return f"in {span}" if moment > now else f"{span} ago"


def table(title: str | None, *columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table with the usual looks; `right` names the columns of figures."""
    made = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left")
    return made


def print_json(value: Any) -> None:
    """JSON for programs: times in ISO 8601, amounts as text."""
    print(json.dumps(value, default=_plain, indent=2))


def as_rows(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Dataclasses as dictionaries."""
    return [asdict(record) for record in records]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
