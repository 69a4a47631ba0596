"""What people taught: rules, lessons by merchant, candidates for everybody's model, and the models."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bank_sync.storage.tables.base import metadata, moment, money

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

category_rules = Table(
    "category_rules",
    metadata,
    Column("rule_id", BigInteger, Identity(), primary_key=True),
    Column("user_id", Text, ForeignKey("bank.users.user_id"), nullable=False),
    Column("merchant_key", Text),
    Column("words", Text, comment="whole words, all of them, in any order"),
    Column("money_in", Boolean, comment="NULL for both directions"),
    money("at_least", required=False),
    money("at_most", required=False),
    Column("category_primary", Text, nullable=False),
    Column("category_detailed", Text),
    moment("made_at"),
    moment("removed_at", required=False),
    CheckConstraint("merchant_key IS NOT NULL OR words IS NOT NULL", name="names_something"),
    CheckConstraint("at_least <= at_most", name="amounts_in_order"),
    Index("ix_category_rules_living", "user_id", postgresql_where=text("removed_at IS NULL")),
    schema="bank",
    comment="One row per rule a person ever made; the newest living one that fits a row decides.",
)

training_candidates = Table(
    "training_candidates",
    metadata,
    Column("candidate_id", BigInteger, Identity(), primary_key=True),
    Column("merchant_key", Text, nullable=False),
    Column("money_in", Boolean, nullable=False),
    Column("category_primary", Text, nullable=False),
    Column("category_detailed", Text),
    Column("people", Integer, nullable=False, comment="how many taught something about that merchant"),
    Column("agreeing", Integer, nullable=False, comment="how many of them said this category"),
    Column("state", Text, nullable=False, server_default="waiting"),
    moment("found_at"),
    moment("decided_at", required=False),
    Column("decided_by", Text),
    CheckConstraint("state IN ('waiting', 'accepted', 'refused')", name="state"),
    UniqueConstraint("merchant_key", "money_in", "category_primary"),
    schema="bank",
    comment="One row per merchant, direction and category that enough people agree on; no person is named.",
)

category_models = Table(
    "category_models",
    metadata,
    Column("version", Text, primary_key=True),
    Column("sha256", Text, nullable=False, comment="of the artefact, checked whenever it is loaded"),
    Column("lessons", Integer, nullable=False, comment="accepted candidates it learnt from"),
    Column("card", JSONB, nullable=False, comment="figures and verdict of its newest evaluation"),
    moment("trained_at"),
    moment("evaluated_at"),
    moment("promoted_at", required=False),
    schema="bank",
    comment="One row per model trained here; the newest promoted one decides, else the shipped one.",
)
