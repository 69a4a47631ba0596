"""The invariants of money and identity, asked of the tables of one person's connections.

Belongs here: I2 to I7 of a ledger at rest. Does not belong here: comparing with the banks (`judge`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from bank_sync.sync import project, replay
from bank_sync_tests.stateful.stories import Story

_LIVE = "t.removed_at IS NULL AND t.superseded_by IS NULL"

_INVARIANTS = {
    "I2: transfers of a person do not cancel out": (
        "SELECT 1 FROM bank.transaction_links AS l "
        "JOIN bank.transactions AS a ON a.transaction_id = l.from_transaction_id "
        "JOIN bank.transactions AS b ON b.transaction_id = l.to_transaction_id "
        "WHERE l.connection_id = ANY(:ids) AND l.kind = 'transfer' AND l.state = 'accepted' "
        "AND l.undone_at IS NULL AND (a.currency <> b.currency OR a.amount + b.amount <> 0)"
    ),
    "I3: one id of the provider is on two live rows": (
        f"SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND {_LIVE} "
        "AND t.provider_transaction_id IS NOT NULL "
        "GROUP BY t.account_id, t.provider_transaction_id HAVING count(*) > 1"
    ),
    "I3: a pending row outlives the booked row it became": (
        "SELECT 1 FROM bank.transaction_links AS l "
        "JOIN bank.transactions AS t ON t.transaction_id = l.from_transaction_id "
        "JOIN bank.transactions AS p ON p.transaction_id = l.to_transaction_id "
        "WHERE l.connection_id = ANY(:ids) AND l.kind <> 'transfer' AND l.state = 'accepted' "
        f"AND l.undone_at IS NULL AND t.posting = 'pending' AND p.posting = 'posted' AND {_LIVE} "
        "AND p.removed_at IS NULL"
    ),
    "I4: a live row's round is not among the raw rounds, or was not applied": (
        "SELECT 1 FROM bank.transactions AS t LEFT JOIN raw.rounds AS r USING (round_id) "
        f"WHERE t.connection_id = ANY(:ids) AND {_LIVE} "
        "AND (r.projected_at IS NULL OR r.connection_id <> t.connection_id)"
    ),
    "I4: a live row's id is on no page of its connection": (
        f"SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND {_LIVE} "
        "AND t.provider_transaction_id IS NOT NULL AND NOT EXISTS (SELECT FROM raw.pages AS p "
        "WHERE p.connection_id = t.connection_id AND p.part = 'transactions' "
        "AND strpos(p.body, t.provider_transaction_id) > 0)"
    ),
    "I6: a row's currency is not its account's": (
        "SELECT 1 FROM bank.transactions AS t JOIN bank.accounts AS a USING (account_id) "
        f"WHERE t.connection_id = ANY(:ids) AND {_LIVE} AND t.currency <> a.currency"
    ),
    "I6: an amount has more digits than its currency": (
        f"SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND {_LIVE} AND t.amount <> "
        "round(t.amount, CASE t.currency WHEN 'JPY' THEN 0 WHEN 'KWD' THEN 3 ELSE 2 END)"
    ),
    "a row has no key, or a key of another account": (
        "SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND NOT EXISTS "
        "(SELECT FROM bank.transaction_keys AS k WHERE k.transaction_id = t.transaction_id "
        "AND k.account_id = t.account_id)"
    ),
    "the watermark of transactions lags behind with nothing held": (
        "SELECT 1 FROM raw.rounds WHERE connection_id = ANY(:ids) "
        "AND projected_at IS NULL AND held_at IS NULL"
    ),
}


def broken_invariants(db: Connection, ids: list[str]) -> Iterator[str]:
    """Each invariant that does not hold, with how many rows break it."""
    for name, query in _INVARIANTS.items():
        found = len(db.execute(text(query), {"ids": ids}).all())
        if found:
            yield f"{name} ({found})"


def not_idempotent(story: Story) -> Iterator[str]:
    """I7: the last round applied once more changes nothing."""
    services = story.world.services
    again = text(
        "UPDATE raw.rounds SET projected_at = NULL WHERE round_id = (SELECT max(round_id) FROM raw.rounds "
        "WHERE connection_id = :id AND part = 'transactions')"
    )
    for link in story.links:
        with services.engine.begin() as db:
            db.execute(again, {"id": link.connection_id})
        before = story.beliefs()
        project.project_transactions(services, link.connection_id)
        if story.beliefs() != before:
            yield f"{link}: I7: the last round applied twice is not the same as once"


def not_replayable(story: Story) -> Iterator[str]:
    """I5: the ledger built once more from the raw pages has the same bytes."""
    for link in story.links:
        replayed = replay.replay_connection(story.world.services, link.connection_id)
        for one in replayed.comparisons:
            if one.differing:
                yield f"{link}: I5: replay differs in {one}"
