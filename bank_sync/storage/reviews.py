"""A person's verdicts on pairs put up for review.

Belongs here: accepting, refusing, undoing with an audit entry. Does not belong here: the list of what waits
(`storage.review_list`), what a link does to its rows (`storage.links`), rules that decide alone
(`sync.matching`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from bank_sync.domain.errors import BankSyncError, NotFound
from bank_sync.storage.journal import record_audit
from bank_sync.storage.links import SPLIT_PART, lock_links_of_owner, point_at_successors, undo_links


class LinkConflict(BankSyncError):
    """The verdict does not go with an earlier one; the message says which to take back first."""


@dataclass(frozen=True, slots=True)
class _Link:
    """One row of `bank.transaction_links`, as far as verdicts need it."""

    link_id: int
    connection_id: str
    kind: str
    from_transaction_id: str
    to_transaction_id: str
    state: str
    undone_at: datetime | None


def accept_link(
    db: Connection, link_id: int, *, by: str, now: datetime, user_reference: str | None = None
) -> None:
    """Join the two rows as a person says, whatever the rules made of them.

    Raises:
        NotFound: there is no such link, or it is not this person's.
        LinkConflict: one of the rows is joined to another one; that link has to be undone first.
    """
    link = _locked(db, link_id, user_reference)
    others = _standing_with(db, link)
    if others:
        named = ", ".join(str(other) for other in others)
        raise LinkConflict(f"One of the two is joined already by link {named}. Undo that one first.")
    db.execute(
        text(
            "UPDATE bank.transaction_links SET state = 'accepted', decided_by = :by, decided_at = :now, "
            "undone_at = NULL, undone_by = NULL WHERE link_id = :link_id"
        ),
        {"link_id": link_id, "by": f"user:{by}", "now": now},
    )
    point_at_successors(db, (link.from_transaction_id, link.to_transaction_id))
    undo_links(db, _rivals(db, link), by="rule:overtaken", now=now)
    _note(db, "link_accepted", link, by)


def reject_link(
    db: Connection, link_id: int, *, by: str, now: datetime, user_reference: str | None = None
) -> None:
    """Refuse a proposal: this pair is never proposed or joined by a rule again.

    Raises:
        NotFound: there is no such link, or it is not this person's.
        LinkConflict: it is not a proposal.
    """
    link = _locked(db, link_id, user_reference)
    if link.state != "proposed" or link.undone_at is not None:
        raise LinkConflict(f"Link {link_id} is not a proposal. An accepted link is undone instead.")
    db.execute(
        text(
            "UPDATE bank.transaction_links SET state = 'rejected', decided_by = :by, decided_at = :now "
            "WHERE link_id = :link_id"
        ),
        {"link_id": link_id, "by": f"user:{by}", "now": now},
    )
    _note(db, "link_rejected", link, by)


def undo_link(
    db: Connection, link_id: int, *, by: str, now: datetime, user_reference: str | None = None
) -> None:
    """Take a verdict back.

    Of an accepted link both rows stand again and no rule joins them; a refused pair may be proposed again.

    Raises:
        NotFound: there is no such link, or it is not this person's.
        LinkConflict: nothing was decided that could be undone.
    """
    link = _locked(db, link_id, user_reference)
    if link.state == "proposed" or link.undone_at is not None:
        raise LinkConflict(f"Link {link_id} has no verdict to undo.")
    undo_links(db, [link_id], by=f"user:{by}", now=now)
    _note(db, "link_undone", link, by)


def _locked(db: Connection, link_id: int, user_reference: str | None) -> _Link:
    found = db.execute(text(_ONE), {"link_id": link_id, "reference": user_reference}).mappings().one_or_none()
    if found is None:
        raise NotFound(f"There is no link {link_id}. List them with `bank-sync review list`.")
    lock_links_of_owner(db, found["connection_id"])
    again = db.execute(text(_ONE), {"link_id": link_id, "reference": user_reference}).mappings().one()
    return _Link(**again)


_ONE = """
SELECT l.link_id, l.connection_id, l.kind, l.from_transaction_id, l.to_transaction_id, l.state, l.undone_at
FROM bank.transaction_links AS l
JOIN bank.connections AS c USING (connection_id)
JOIN bank.users AS u USING (user_id)
WHERE l.link_id = :link_id
    AND (CAST(:reference AS text) IS NULL OR u.external_reference = :reference)
"""


def _standing_with(db: Connection, link: _Link) -> list[int]:
    """Accepted links that leave no room for this one."""
    return _competing(db, link, "accepted")


def _rivals(db: Connection, link: _Link) -> list[int]:
    """Proposals that are moot once this link stands."""
    return _competing(db, link, "proposed")


def _competing(db: Connection, link: _Link, state: str) -> list[int]:
    ends = (link.from_transaction_id, link.to_transaction_id)
    held, posted = reversed(ends) if link.kind == SPLIT_PART else ends
    parameters = {"link_id": link.link_id, "kind": link.kind, "state": state, "held": held, "posted": posted}
    found: list[int] = list(db.execute(text(_COMPETING), parameters).scalars())
    return found


# a leg has one counterpart, a posted row comes of one pending row, a pending row becomes one posted row or
# several parts, and a row is the duplicate of one other that is not its own duplicate
_COMPETING = """
SELECT link_id FROM (
    SELECT *, CASE kind WHEN 'split_part' THEN to_transaction_id ELSE from_transaction_id END AS held,
        CASE kind WHEN 'split_part' THEN from_transaction_id ELSE to_transaction_id END AS posted
    FROM bank.transaction_links
    WHERE from_transaction_id IN (:held, :posted) OR to_transaction_id IN (:held, :posted)
) AS l
WHERE link_id <> :link_id AND state = :state AND undone_at IS NULL AND CASE
    WHEN :kind = 'transfer' THEN kind = 'transfer'
    WHEN :kind = 'duplicate' THEN kind = 'duplicate'
        AND (held = :held OR (held = :posted AND posted = :held))
    ELSE kind IN ('pending_posted', 'split_part')
        AND (posted = :posted OR (held = :held AND NOT (kind = 'split_part' AND :kind = 'split_part')))
    END
ORDER BY link_id
"""


def _note(db: Connection, action: str, link: _Link, by: str) -> None:
    record_audit(
        db,
        action=action,
        actor=f"user:{by}",
        connection_id=link.connection_id,
        details={"link_id": link.link_id, "kind": link.kind},
    )


def same_pair_of_accounts(db: Connection, link_ids: Collection[int]) -> list[int]:
    """All proposals of the same kind between the same two accounts as these ones."""
    return list(db.execute(text(_SAME_ACCOUNTS), {"ids": list(link_ids)}).scalars())


_SAME_ACCOUNTS = """
WITH proposed AS (
    SELECT l.link_id, l.kind, f.account_id AS from_account, o.account_id AS to_account
    FROM bank.transaction_links AS l
    JOIN bank.transactions AS f ON f.transaction_id = l.from_transaction_id
    JOIN bank.transactions AS o ON o.transaction_id = l.to_transaction_id
    WHERE l.state = 'proposed' AND l.undone_at IS NULL
)
SELECT alike.link_id FROM proposed AS alike
JOIN proposed AS asked USING (kind, from_account, to_account)
WHERE asked.link_id = ANY(CAST(:ids AS bigint[]))
GROUP BY alike.link_id ORDER BY alike.link_id
"""
