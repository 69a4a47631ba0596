"""The inbox of webhooks, alerts, when logins were checked and pages pruned."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
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
    op.create_index('ix_webhook_inbox_new', 'webhook_inbox', ['event_id'], unique=False, schema='bank', postgresql_where=sa.text("state = 'new'"))
    op.create_index('uq_webhook_inbox_waiting', 'webhook_inbox', ['provider', sa.literal_column('sha256(body)')], unique=True, schema='bank', postgresql_where=sa.text("state = 'new' AND run_key IS NULL"))
    op.create_table('alerts',
    sa.Column('alert_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False, comment='what is wrong, in code-like words'),
    sa.Column('message', sa.Text(), nullable=False, comment="what is wrong and what to do; nobody's data"),
    sa.Column('times', sa.Integer(), server_default=sa.text('1'), nullable=False, comment='how often it was met'),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.Text(), nullable=True, comment='the last Dagster run that met it, where there was one'),
    sa.PrimaryKeyConstraint('alert_id', name=op.f('pk_alerts')),
    sa.UniqueConstraint('cause', name=op.f('uq_alerts_cause')),
    schema='bank',
    comment='One row per cause of trouble for whoever runs bank_sync: told once, then weekly at most.'
    )
    op.create_index('ix_notifications_connection_kind', 'notifications', ['connection_id', 'kind', sa.literal_column('created_at DESC')], unique=False, schema='bank')
    op.add_column('credentials', sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True), schema='bank')
    op.add_column('rounds', sa.Column('pruned_at', sa.DateTime(timezone=True), nullable=True, comment='when its pages were deleted for their age'), schema='raw')


def downgrade() -> None:
    op.drop_column('rounds', 'pruned_at', schema='raw')
    op.drop_column('credentials', 'checked_at', schema='bank')
    op.drop_index('ix_notifications_connection_kind', table_name='notifications', schema='bank')
    op.drop_table('alerts', schema='bank')
    op.drop_table('webhook_inbox', schema='bank')
