"""Why the next sync is due when it is, and the signs that it is decided on."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('users', sa.Column('last_active_at', sa.DateTime(timezone=True), nullable=True), schema='bank')
    op.add_column('connections', sa.Column('next_sync_reason', sa.Text(), nullable=True, comment='one sentence on why then; NULL where somebody set the moment'), schema='bank')
    op.add_column('connections', sa.Column('webhook_seen_at', sa.DateTime(timezone=True), nullable=True), schema='bank')
    op.create_index('ix_connections_institution', 'connections', ['provider', 'institution_id'], unique=False, schema='bank')


def downgrade() -> None:
    op.drop_index('ix_connections_institution', table_name='connections', schema='bank')
    op.drop_column('connections', 'webhook_seen_at', schema='bank')
    op.drop_column('connections', 'next_sync_reason', schema='bank')
    op.drop_column('users', 'last_active_at', schema='bank')
