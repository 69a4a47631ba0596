"""What the pretend banks remember: links, tokens, agreements, and how far the clock was moved.

Here: tables of frozen records in one JSON file, replaced atomically on each change. Not here: what the
records mean. Money is never state: it follows from the seed (`world`).
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from dataclasses import Field


class Record(Protocol):
    """Any dataclass whose fields are text, numbers, truth values, tuples of text, or instants."""

    __dataclass_fields__: ClassVar[dict[str, "Field[Any]"]]


R = TypeVar("R", bound=Record)


class Store:
    """All tables, and a serial number from which new identifiers are made."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._content: dict[str, Any] = {"serial": 0, "clock_offset_s": 0.0, "tables": {}}
        if path is not None and path.exists():
            self._content = json.loads(path.read_text("utf-8"))

    def table(self, name: str, record: type[R]) -> "Table[R]":
        """The table of that name, made on first use."""
        return Table(self, self._content["tables"].setdefault(name, {}), record)

    @property
    def serial(self) -> int:
        """The number given last."""
        return int(self._content["serial"])

    def next_serial(self) -> int:
        """A number never given before, also not before a restart."""
        self._content["serial"] += 1
        self.save()
        return int(self._content["serial"])

    @property
    def clock_offset_s(self) -> float:
        """How far the virtual clock runs ahead of the real one."""
        return float(self._content["clock_offset_s"])

    @clock_offset_s.setter
    def clock_offset_s(self, offset_s: float) -> None:
        self._content["clock_offset_s"] = offset_s
        self.save()

    def save(self) -> None:
        """Write everything down; the old file stays whole until the new one is."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._content, file)
        draft.replace(self._path)


class Table(Generic[R]):
    """One kind of record by key."""

    def __init__(self, store: Store, rows: dict[str, dict[str, Any]], record: type[R]) -> None:
        self._store = store
        self._rows = rows
        self._record = record

    def get(self, key: str) -> R | None:
        """The record under that key, or None."""
        row = self._rows.get(key)
        return None if row is None else self._revive(row)

    def put(self, key: str, record: R) -> R:
        """Keep the record under that key, in place of what was there; returns it."""
        self._rows[key] = {name: _plain(value) for name, value in asdict(record).items()}
        self._store.save()
        return record

    def delete(self, key: str) -> None:
        """Forget the record; nothing happens if there is none."""
        if self._rows.pop(key, None) is not None:
            self._store.save()

    def __iter__(self) -> Iterator[R]:
        return iter([self._revive(row) for row in self._rows.values()])

    def _revive(self, row: dict[str, Any]) -> R:
        values = {}
        for field in fields(self._record):
            if field.name not in row:
                continue  # the record has grown a field since this was written: its default holds
            value = row[field.name]
            if isinstance(value, str) and "datetime" in str(field.type):
                value = datetime.fromisoformat(value)
            values[field.name] = tuple(value) if isinstance(value, list) else value
        return self._record(**values)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
