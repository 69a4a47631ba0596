"""Which transactions a stream of recurring payments consists of."""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('recurring_transactions',
    sa.Column('transaction_id', sa.Text(), nullable=False),
    sa.Column('stream_id', sa.Text(), nullable=False),
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['bank.connections.connection_id'], name=op.f('fk_recurring_transactions_connection_id')),
    sa.ForeignKeyConstraint(['stream_id'], ['bank.recurring_streams.stream_id'], name=op.f('fk_recurring_transactions_stream_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('transaction_id', name=op.f('pk_recurring_transactions')),
    schema='bank',
    comment='One row per transaction of a stream; found anew with the streams.'
    )
    op.create_index('ix_recurring_transactions_connection_id', 'recurring_transactions', ['connection_id'], unique=False, schema='bank')
    op.create_index(op.f('ix_recurring_transactions_stream_id'), 'recurring_transactions', ['stream_id'], unique=False, schema='bank')


def downgrade() -> None:
    op.drop_table('recurring_transactions', schema='bank')
