"""What a person's corrections taught."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Table, Text

from bank_sync.storage.tables.base import metadata, moment

category_memory = Table(
    "category_memory",
    metadata,
    Column("user_id", Text, ForeignKey("bank.users.user_id"), primary_key=True),
    Column("merchant_key", Text, primary_key=True),
    Column("money_in", Boolean, primary_key=True),
    Column("category_primary", Text, nullable=False),
    Column("category_detailed", Text),
    Column("learnt_from", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False),
    moment("learnt_at"),
    schema="bank",
    comment="One row per person, merchant and direction: the category that person last said it has.",
)
