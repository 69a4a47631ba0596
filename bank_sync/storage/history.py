"""What was believed when: the ledger as it stood at any moment since the first sync.

Belongs here: reading current rows, earlier versions and links as of a moment. Does not belong here: writing
any of them (`storage.ledger`, `storage.links`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from bank_sync.domain.errors import NotFound

_ROWS_PER_FETCH = 2_000


@dataclass(frozen=True, slots=True)
class Believed:
    """One transaction as it was believed to be; `known_until` is None while nothing newer is known."""

    transaction_id: str
    version: int
    account_id: str
    account_name: str
    posting: str
    booked_on: date
    amount: Decimal
    currency: str
    description: str
    known_from: datetime
    known_until: datetime | None


def transactions_as_of(db: Connection, owner_id: str, moment: datetime) -> Iterator[Believed]:
    """Live transactions of a connection or an account as believed at `moment`, oldest booking first.

    A row that another one took the place of counts until the link between them was decided, and again after
    it was undone.
    """
    values = {"owner_id": owner_id, "moment": moment}
    found = db.execution_options(yield_per=_ROWS_PER_FETCH).execute(text(_AS_OF), values)
    for row in found.mappings():
        yield Believed(**row)


_AS_OF = """
WITH believed AS (
    SELECT transaction_id, version, account_id, posting, booked_on, amount, currency, description, removed_at,
        changed_at AS known_from, CAST(NULL AS timestamptz) AS known_until
    FROM bank.transactions
    WHERE (connection_id = :owner_id OR account_id = :owner_id) AND changed_at <= :moment
    UNION ALL
    SELECT transaction_id, version, account_id, posting, booked_on, amount, currency, description, removed_at,
        known_from, known_until
    FROM bank.transaction_versions
    WHERE (connection_id = :owner_id OR account_id = :owner_id)
        AND known_from <= :moment AND known_until > :moment
)
SELECT b.transaction_id, b.version, b.account_id, a.name AS account_name, b.posting, b.booked_on, b.amount,
    b.currency, b.description, b.known_from, b.known_until
FROM believed AS b
JOIN bank.accounts AS a USING (account_id)
WHERE b.removed_at IS NULL AND NOT EXISTS (
    SELECT FROM bank.transaction_links AS l
    WHERE ((l.from_transaction_id = b.transaction_id AND l.kind IN ('pending_posted', 'duplicate'))
            OR (l.to_transaction_id = b.transaction_id AND l.kind = 'split_part'))
        AND l.state = 'accepted' AND l.decided_at <= :moment
        AND (l.undone_at IS NULL OR l.undone_at > :moment)
)
ORDER BY b.booked_on, a.name, b.transaction_id
"""


def resolve_owner(db: Connection, part_of_id: str) -> str:
    """The id of the account or connection that a person means by a full id or the start or end of one.

    Raises:
        NotFound: none or several fit.
    """
    query = text(
        "SELECT connection_id AS id FROM bank.connections UNION ALL SELECT account_id FROM bank.accounts"
    )
    ids: list[str] = list(db.execute(query).scalars())
    fitting = [one for one in ids if one.startswith(part_of_id) or one.endswith(part_of_id)]
    if part_of_id in ids:
        return part_of_id
    if len(fitting) != 1:
        many = "Several accounts or connections fit" if fitting else "There is no account or connection"
        raise NotFound(f"{many} {part_of_id!r}. List them with `bank-sync accounts`.")
    return fitting[0]
