"""Linking: what belongs together among a connection's rows, after each sync.

Belongs here: the steps of a linking and their order. Does not belong here: SQL (`storage.candidates`,
`storage.links`), judgement (`sync.matching`).

Only rows that changed since the last finished sync and pending rows still without a successor are looked at.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bank_sync.storage import candidate_legs, candidates, links
from bank_sync.storage.links import DUPLICATE, PENDING_POSTED, SPLIT_PART, TRANSFER, Decision, Linked
from bank_sync.sync.matching.pending import decide_pendings
from bank_sync.sync.matching.transfers import decide_transfers


def link_connection(db: Connection, connection_id: str, *, now: datetime) -> Linked:
    """Take apart what no longer holds, then join or propose what belongs together."""
    links.lock_links_of_owner(db, connection_id)
    outdated = links.links_that_no_longer_hold(db, connection_id)
    done = Linked(undone=links.undo_links(db, outdated, by="rule:no_longer_holds", now=now))
    done += _pendings(db, connection_id, now=now)
    changed = candidate_legs.count_changed(db, connection_id)
    done += _transfers(db, connection_id, changed, now=now)
    done += _duplicates(db, connection_id, changed, now=now)
    return done


def _pendings(db: Connection, connection_id: str, *, now: datetime) -> Linked:
    pendings = candidates.open_pendings(db, connection_id, now=now)
    named = candidates.naming(db, pendings)
    posted = candidates.successors(db, [one for one in pendings if one.removed_at is not None])
    ends = [one.transaction_id for one in (*pendings, *named, *posted)]
    dismissed = candidates.dismissed_pairs(db, ends)
    decisions = decide_pendings(pendings, named, posted, dismissed)
    examined = [one.transaction_id for one in pendings]
    stored = links.store_decisions(db, decisions, now=now)
    kinds = (PENDING_POSTED, SPLIT_PART)
    undone = links.withdraw_proposals(db, connection_id, kinds, examined, decisions, now=now)
    return stored + Linked(undone=undone)


def _transfers(db: Connection, connection_id: str, changed: int, *, now: datetime) -> Linked:
    pairs = candidate_legs.leg_pairs(db, connection_id, changed=changed) if changed else []
    examined = sorted({leg.transaction_id for pair in pairs for leg in (pair.out, pair.into)})
    dismissed = candidates.dismissed_pairs(db, examined)
    decisions = decide_transfers(pairs, dismissed)
    stored = links.store_decisions(db, decisions, now=now)
    undone = links.withdraw_proposals(db, connection_id, (TRANSFER,), examined, decisions, now=now)
    return stored + Linked(undone=undone)


def _duplicates(db: Connection, connection_id: str, changed: int, *, now: datetime) -> Linked:
    """Rows that tell one event twice are only ever proposed: two equal rows may be two coffees."""
    twins = candidate_legs.late_twins(db, connection_id, now=now) if changed else []
    twins += candidate_legs.shared_account_twins(db, connection_id)
    dismissed = candidates.dismissed_pairs(db, [twin.later_id for twin in twins])
    proposals = [
        _duplicate(twin) for twin in twins if (DUPLICATE, twin.later_id, twin.earlier_id) not in dismissed
    ]
    return links.store_decisions(db, proposals, now=now)


def _duplicate(twin: candidate_legs.Twin) -> Decision:
    return Decision(
        kind=DUPLICATE,
        from_id=twin.later_id,
        to_id=twin.earlier_id,
        is_accepted=False,
        decided_by="rule:came_late" if twin.same_account else "rule:shared_account",
        score=0.4 if twin.same_account else 0.9,
        evidence={"same_account": twin.same_account},
    )
