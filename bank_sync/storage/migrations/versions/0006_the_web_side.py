"""Webhooks that wait to be handled."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('webhook_inbox',
    sa.Column('event_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('dedup_key', sa.Text(), nullable=False, comment='of this very delivery: kills exact replays, for ever'),
    sa.Column('environment', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False, comment='TYPE/CODE at Plaid, the type at Teller, else unreadable'),
    sa.Column('provider_item', sa.Text(), nullable=True, comment="the connection's id at the provider, where it was told"),
    sa.Column('connection_id', sa.Text(), nullable=True, comment='NULL: of no connection we know; no key, it outlives an erasure'),
    sa.Column('body', sa.LargeBinary(), nullable=False, comment='the very bytes that were signed'),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), server_default=sa.text("'new'"), nullable=False, comment='new, handled, parked, stale'),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('run_key', sa.Text(), nullable=True, comment='the run that it started'),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_webhook_inbox')),
    sa.UniqueConstraint('provider', 'dedup_key', name=op.f('uq_webhook_inbox_provider_dedup_key')),
    schema='bank',
    comment='One row per verified webhook, written before it is acknowledged.'
    )
    op.create_index('uq_webhook_inbox_waiting', 'webhook_inbox', ['provider', sa.literal_column('sha256(body)')], unique=True, schema='bank', postgresql_where=sa.text("state = 'new'"))
    op.create_index('ix_webhook_inbox_new', 'webhook_inbox', ['event_id'], unique=False, schema='bank', postgresql_where=sa.text("state = 'new'"))
    op.create_index(op.f('ix_accounts_provider_account_id'), 'accounts', ['provider_account_id'], unique=False, schema='bank')


def downgrade() -> None:
    op.drop_index(op.f('ix_accounts_provider_account_id'), table_name='accounts', schema='bank')
    op.drop_table('webhook_inbox', schema='bank')
