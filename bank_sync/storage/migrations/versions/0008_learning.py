"""What people teach beyond one merchant: their rules, candidates for the model, and the models."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('category_rules',
    sa.Column('rule_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('merchant_key', sa.Text(), nullable=True),
    sa.Column('words', sa.Text(), nullable=True, comment='whole words, all of them, in any order'),
    sa.Column('money_in', sa.Boolean(), nullable=True, comment='NULL for both directions'),
    sa.Column('at_least', sa.Numeric(precision=28, scale=8), nullable=True),
    sa.Column('at_most', sa.Numeric(precision=28, scale=8), nullable=True),
    sa.Column('category_primary', sa.Text(), nullable=False),
    sa.Column('category_detailed', sa.Text(), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('at_least <= at_most', name=op.f('ck_category_rules_amounts_in_order')),
    sa.CheckConstraint('merchant_key IS NOT NULL OR words IS NOT NULL', name=op.f('ck_category_rules_names_something')),
    sa.ForeignKeyConstraint(['user_id'], ['bank.users.user_id'], name=op.f('fk_category_rules_user_id')),
    sa.PrimaryKeyConstraint('rule_id', name=op.f('pk_category_rules')),
    schema='bank',
    comment='One row per rule a person ever made; the newest living one that fits a row decides.'
    )
    op.create_index('ix_category_rules_living', 'category_rules', ['user_id'], unique=False, schema='bank', postgresql_where=sa.text('removed_at IS NULL'))
    op.create_table('training_candidates',
    sa.Column('candidate_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('merchant_key', sa.Text(), nullable=False),
    sa.Column('money_in', sa.Boolean(), nullable=False),
    sa.Column('category_primary', sa.Text(), nullable=False),
    sa.Column('category_detailed', sa.Text(), nullable=True),
    sa.Column('people', sa.Integer(), nullable=False, comment='how many taught something about that merchant'),
    sa.Column('agreeing', sa.Integer(), nullable=False, comment='how many of them said this category'),
    sa.Column('state', sa.Text(), server_default='waiting', nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.CheckConstraint("state IN ('waiting', 'accepted', 'refused')", name=op.f('ck_training_candidates_state')),
    sa.PrimaryKeyConstraint('candidate_id', name=op.f('pk_training_candidates')),
    sa.UniqueConstraint('merchant_key', 'money_in', 'category_primary', name=op.f('uq_training_candidates_merchant_key_money_in_category_primary')),
    schema='bank',
    comment='One row per merchant, direction and category that enough people agree on; no person is named.'
    )
    op.create_table('category_models',
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False, comment='of the artefact, checked whenever it is loaded'),
    sa.Column('lessons', sa.Integer(), nullable=False, comment='accepted candidates it learnt from'),
    sa.Column('card', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='figures and verdict of its newest evaluation'),
    sa.Column('trained_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('evaluated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('promoted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('version', name=op.f('pk_category_models')),
    schema='bank',
    comment='One row per model trained here; the newest promoted one decides, else the shipped one.'
    )


def downgrade() -> None:
    op.drop_table('category_models', schema='bank')
    op.drop_table('training_candidates', schema='bank')
    op.drop_index('ix_category_rules_living', table_name='category_rules', schema='bank', postgresql_where=sa.text('removed_at IS NULL'))
    op.drop_table('category_rules', schema='bank')
