"""Rows that could not be read are asked for again.

Belongs here: where the next read has to start so that it names unreadable rows once more, and which entries
of `bank.quarantine` a round has thereby answered. Does not belong here: reading stored pages again with newer
code (`sync.quarantine`).

A provider that garbles a row once usually tells it well the next time, but a cursor that has moved past it
never names it again. So reading goes back a few times before a row is left to a person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection, text

from bank_sync.domain.models import Part
from bank_sync.storage.raw_pages import StoredRound

_MOST_TIMES = 3


@dataclass(frozen=True, slots=True)
class StartEarlier:
    """Where to start so that unreadable rows are named again.

    Attributes:
        is_needed: whether a cursor provider should go back at all.
        cursor: to which cursor; None is the beginning.
        windows: the first date to ask for, by provider_account_id.
    """

    is_needed: bool = False
    cursor: str | None = None
    windows: dict[str, date] = field(default_factory=dict)


def start_earlier(db: Connection, connection_id: str) -> StartEarlier:
    """Where the oldest unanswered rounds with unreadable rows began."""
    found = db.execute(text(_UNANSWERED), {"connection_id": connection_id, "most": _MOST_TIMES}).all()
    if not found:
        return StartEarlier()
    windows: dict[str, date] = {}
    for row in found:
        if row.first_on is not None:
            windows[row.provider_account_id] = min(
                row.first_on, windows.get(row.provider_account_id, date.max)
            )
    return StartEarlier(is_needed=True, cursor=found[0].cursor_before, windows=windows)


_UNANSWERED = """
SELECT DISTINCT told.round_id, told.cursor_before, asked.provider_account_id, asked.first_on
FROM bank.quarantine AS unread
JOIN raw.pages AS page USING (page_id)
JOIN raw.rounds AS told USING (round_id)
JOIN bank.connections AS link ON link.connection_id = unread.connection_id
LEFT JOIN LATERAL (
    SELECT provider_account_id, min(window_first) AS first_on FROM raw.pages AS asked
    WHERE asked.round_id = page.round_id AND asked.provider_account_id = page.provider_account_id
    GROUP BY provider_account_id
) AS asked ON true
WHERE unread.connection_id = :connection_id AND unread.resolved_at IS NULL AND unread.tries < :most
    AND told.part = 'transactions' AND told.generation = link.generation
    AND unread.reason NOT IN ('unknown_account', 'identity_conflict')
ORDER BY told.round_id
"""


def is_waiting(db: Connection, connection_id: str) -> bool:
    """Whether any row of a connection is unread, so that a round might answer it."""
    statement = text(
        "SELECT EXISTS (SELECT FROM quarantine WHERE connection_id = :connection_id AND resolved_at IS NULL)"
    )
    return bool(db.execute(statement, {"connection_id": connection_id}).scalar())


def note_answers(db: Connection, round_: StoredRound) -> None:
    """Close the entries that this round has named again; what is unreadable still counts one try more.

    To be called when the round is staged, before its temporary tables go.
    """
    values = {
        "connection_id": round_.connection_id,
        "round_id": round_.round_id,
        "now": round_.fetched_at,
        "cursor_before": round_.cursor_before,
        "has_cursor": round_.cursor_after is not None,
    }
    tries = max(db.execute(text(_ANSWERED), values).scalars(), default=-1) + 1
    if tries:
        statement = text(
            "UPDATE quarantine SET tries = :tries WHERE page_id IN "
            "(SELECT page_id FROM raw.pages WHERE round_id = :round_id)"
        )
        db.execute(statement, {"tries": tries, "round_id": round_.round_id})


_ANSWERED = """
UPDATE quarantine AS unread SET resolved_at = :now, resolution = 'asked_again'
FROM raw.pages AS page JOIN raw.rounds AS told USING (round_id)
WHERE page.page_id = unread.page_id AND unread.connection_id = :connection_id
    AND unread.resolved_at IS NULL AND told.part = 'transactions' AND told.round_id < :round_id
    AND (
        (:has_cursor AND told.round_id >= (
            SELECT min(first.round_id) FROM raw.rounds AS first
            WHERE first.connection_id = :connection_id AND first.part = 'transactions'
                AND first.cursor_before IS NOT DISTINCT FROM CAST(:cursor_before AS text)
        ))
        OR EXISTS (
            SELECT FROM staged_windows JOIN accounts USING (account_id)
            WHERE accounts.connection_id = :connection_id
                AND accounts.provider_account_id = page.provider_account_id
                AND staged_windows.first_on <= coalesce((
                    SELECT min(asked.window_first) FROM raw.pages AS asked
                    WHERE asked.round_id = page.round_id
                        AND asked.provider_account_id = page.provider_account_id
                ), staged_windows.first_on)
        )
    )
RETURNING unread.tries
"""


def note_whole_part(db: Connection, round_: StoredRound, part: Part) -> None:
    """Close what earlier rounds of accounts or balances left unread: this one told all of them, and well."""
    statement = text(
        "UPDATE quarantine AS unread SET resolved_at = :now, resolution = 'overtaken' FROM raw.pages AS page "
        "WHERE page.page_id = unread.page_id AND unread.connection_id = :connection_id "
        "AND unread.resolved_at IS NULL AND page.part = :part AND page.round_id < :round_id"
    )
    values = {"connection_id": round_.connection_id, "round_id": round_.round_id, "now": round_.fetched_at}
    db.execute(statement, {**values, "part": part})
