"""Recurring payments and income; the website of a merchant."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('transaction_categories', sa.Column('merchant_domain', sa.Text(), nullable=True, comment="of the merchant's website and logo, where it is known"), schema='bank')
    op.create_table('recurring_streams',
    sa.Column('stream_id', sa.Text(), nullable=False),
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.Column('account_id', sa.Text(), nullable=False),
    sa.Column('merchant_key', sa.Text(), nullable=False),
    sa.Column('merchant_name', sa.Text(), nullable=True),
    sa.Column('money_in', sa.Boolean(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('category_primary', sa.Text(), nullable=True, comment="of its newest row, a person's word first"),
    sa.Column('cadence', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False, comment='active, late (a date missed) or ended (two)'),
    sa.Column('occurrences', sa.Integer(), nullable=False),
    sa.Column('missed', sa.Integer(), nullable=False, comment='dates between first and last that were not met'),
    sa.Column('first_on', sa.Date(), nullable=False),
    sa.Column('last_on', sa.Date(), nullable=False),
    sa.Column('next_on', sa.Date(), nullable=True, comment='NULL once ended'),
    sa.Column('usual_amount', sa.Numeric(precision=28, scale=8), nullable=False),
    sa.Column('low_amount', sa.Numeric(precision=28, scale=8), nullable=False),
    sa.Column('high_amount', sa.Numeric(precision=28, scale=8), nullable=False),
    sa.Column('confidence', sa.Numeric(precision=5, scale=4), nullable=False, comment='how regular it is, no probability'),
    sa.Column('last_transaction_id', sa.Text(), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('confidence BETWEEN 0 AND 1', name=op.f('ck_recurring_streams_confidence_is_a_share')),
    sa.CheckConstraint("state IN ('active', 'late', 'ended')", name=op.f('ck_recurring_streams_state')),
    sa.ForeignKeyConstraint(['account_id'], ['bank.accounts.account_id'], name=op.f('fk_recurring_streams_account_id')),
    sa.ForeignKeyConstraint(['connection_id'], ['bank.connections.connection_id'], name=op.f('fk_recurring_streams_connection_id')),
    sa.PrimaryKeyConstraint('stream_id', name=op.f('pk_recurring_streams')),
    schema='bank',
    comment='One row per stream of payments or income with one merchant; found anew every day.'
    )
    op.create_index('ix_recurring_streams_connection_id', 'recurring_streams', ['connection_id'], unique=False, schema='bank')


def downgrade() -> None:
    op.drop_index('ix_recurring_streams_connection_id', table_name='recurring_streams', schema='bank')
    op.drop_table('recurring_streams', schema='bank')
    op.drop_column('transaction_categories', 'merchant_domain', schema='bank')
