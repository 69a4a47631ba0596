"""A second ledger beside the real one, for as long as a transaction lasts.

Belongs here: temporary tables that shadow the ledger's for everything this connection does, and their
comparison with the real ones. Does not belong here: what is written to them (`sync.replay`).

PostgreSQL looks for an unqualified name among temporary tables first: what projects rounds names its tables
so, and does not notice. The caller rolls back; nothing real is ever touched.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Table, text

from bank_sync.storage.tables import (
    account_keys,
    accounts,
    balances,
    coverage,
    metadata,
    quarantine,
    transaction_keys,
    transaction_versions,
    transactions,
)

_SHADOWED = (
    account_keys,
    accounts,
    balances,
    coverage,
    quarantine,
    transaction_keys,
    transaction_versions,
    transactions,
)

_MOST_LISTED = 50  # of each table: enough to see what kind of difference it is

_OF_CONNECTION = "o.connection_id = :connection_id"
_OF_ITS_ACCOUNTS = (
    "o.account_id IN (SELECT account_id FROM bank.accounts WHERE connection_id = :connection_id)"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that a replay does not give again, by its key and the names of its columns, never its values.

    Attributes:
        kind: `missing` (only the real ledger has it), `extra` (only the replay), or `changed`.
    """

    table: str
    key: str
    kind: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table: rows of the real ledger, rows that differ, and the first of them."""

    table: str
    rows: int
    differing: int
    listed: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Compared:
    """How a table is compared: what names a row, whose rows they are, which columns are left out."""

    table: Table
    key: tuple[str, ...]
    whose: str = _OF_CONNECTION
    ignored: frozenset[str] = frozenset()


_COMPARED = (
    _Compared(accounts, ("account_id",)),
    _Compared(account_keys, ("stable_key",)),
    # superseded_by is a decision beside the rows, made from links that no page tells of
    _Compared(transactions, ("transaction_id",), ignored=frozenset({"superseded_by"})),
    _Compared(transaction_versions, ("transaction_id", "version")),
    _Compared(transaction_keys, ("account_id", "transaction_key"), _OF_ITS_ACCOUNTS),
    _Compared(
        balances,
        ("account_id", "balance_type", "currency", "round_id"),
        ignored=frozenset({"balance_id"}),  # counted by the database
    ),
)


def shadow_ledger(db: Connection) -> Connection:
    """Give this transaction an empty ledger of its own; use the connection that is returned.

    Statements that name no schema find the temporary tables first; those of SQLAlchemy name one, so theirs is
    turned into the temporary one, where every table that is not shadowed is seen through a view.
    """
    db.execute(text("SET LOCAL search_path TO bank, raw"))
    for table in metadata.sorted_tables:
        db.execute(text(_shadow_of(table) if table in _SHADOWED else _view_of(table)))
    return db.execution_options(schema_translate_map={"bank": "pg_temp", "raw": "pg_temp"})


def _shadow_of(table: Table) -> str:
    kept = "INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING CONSTRAINTS INCLUDING INDEXES"
    return f"CREATE TEMP TABLE {table.name} (LIKE {table.fullname} {kept})"


def _view_of(table: Table) -> str:
    return f"CREATE TEMP VIEW {table.name} AS SELECT * FROM {table.fullname}"  # noqa: S608 - our own tables


def refresh_statistics(db: Connection) -> None:
    """Tell the planner how large the shadow tables have become; nobody else does for temporary ones."""
    for table in _SHADOWED:
        db.execute(text(f"ANALYZE pg_temp.{table.name}"))


def point_at_successors_as_of(db: Connection, connection_id: str, moment: object) -> None:
    """Set the shadow's `superseded_by` to what links said at a moment: rows are told apart by it."""
    db.execute(text(_POINT), {"connection_id": connection_id, "moment": moment})


_POINT = """
WITH told AS (
    SELECT from_transaction_id AS id, to_transaction_id AS successor, decided_at, link_id
    FROM bank.transaction_links
    WHERE connection_id = :connection_id AND kind IN ('pending_posted', 'duplicate') AND state = 'accepted'
        AND decided_at <= :moment AND (undone_at IS NULL OR undone_at > :moment)
    UNION ALL
    SELECT to_transaction_id, from_transaction_id, decided_at, link_id
    FROM bank.transaction_links
    WHERE connection_id = :connection_id AND kind = 'split_part' AND state = 'accepted'
        AND decided_at <= :moment AND (undone_at IS NULL OR undone_at > :moment)
), first_told AS (
    SELECT DISTINCT ON (told.id) told.id, told.successor
    FROM told JOIN pg_temp.transactions AS there ON there.transaction_id = told.successor
    ORDER BY told.id, told.decided_at, told.link_id
)
UPDATE pg_temp.transactions AS t SET superseded_by = first_told.successor
FROM pg_temp.transactions AS self LEFT JOIN first_told ON first_told.id = self.transaction_id
WHERE self.transaction_id = t.transaction_id
    AND t.superseded_by IS DISTINCT FROM first_told.successor
"""


def compare_with_real(db: Connection, connection_id: str) -> list[Comparison]:
    """Row by row and column by column, the shadow against the connection's real rows."""
    return [_compare(db, one, connection_id) for one in _COMPARED]


def _compare(db: Connection, one: _Compared, connection_id: str) -> Comparison:
    values = {"connection_id": connection_id}
    count = text(f"SELECT count(*) FROM {one.table.fullname} AS o WHERE {one.whose}")  # noqa: S608 - constants
    rows: int = db.execute(count, values).scalar_one()
    found = db.execute(text(_difference_query(one)), values | {"most": _MOST_LISTED}).all()
    listed = tuple(Difference(one.table.name, row.key, row.kind, tuple(row.columns)) for row in found)
    return Comparison(one.table.name, rows, found[0].differing if found else 0, listed)


def _difference_query(one: _Compared) -> str:
    name = one.table.name
    columns = [column.name for column in one.table.columns if column.name not in one.ignored]
    same_key = " AND ".join(f"o.{column} = r.{column}" for column in one.key)
    key = ", ".join(f"coalesce(o.{column}, r.{column})::text" for column in one.key)
    changed = ", ".join(
        f"CASE WHEN o.{column} IS DISTINCT FROM r.{column} THEN '{column}' END" for column in columns
    )
    differs = " OR ".join(f"o.{column} IS DISTINCT FROM r.{column}" for column in columns)
    first = one.key[0]
    return f"""
    SELECT concat_ws(' ', {key}) AS key,
        CASE WHEN r.{first} IS NULL THEN 'missing' WHEN o.{first} IS NULL THEN 'extra'
            ELSE 'changed' END AS kind,
        CASE WHEN o.{first} IS NULL OR r.{first} IS NULL THEN CAST(ARRAY[] AS text[])
            ELSE array_remove(ARRAY[{changed}], NULL) END AS columns,
        count(*) OVER () AS differing
    FROM (SELECT o.* FROM {one.table.fullname} AS o WHERE {one.whose}) AS o
    FULL JOIN pg_temp.{name} AS r ON {same_key}
    WHERE {differs}
    ORDER BY 1 LIMIT :most
    """  # noqa: S608 - names of our own columns
