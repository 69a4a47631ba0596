"""Batches: the order in which they take due connections, and what a check has looked at before."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('quality_results', sa.Column('looked_at', sa.Text(), nullable=True, comment='state of the rows it looked at, where the check knows one'), schema='bank')
    op.create_index('ix_connections_next_of_provider', 'connections', ['provider', sa.literal_column('(first_synced_at IS NOT NULL)'), 'next_sync_at'], unique=False, schema='bank', postgresql_where=sa.text("state NOT IN ('revoked', 'erased')"))


def downgrade() -> None:
    op.drop_index('ix_connections_next_of_provider', table_name='connections', schema='bank')
    op.drop_column('quality_results', 'looked_at', schema='bank')
