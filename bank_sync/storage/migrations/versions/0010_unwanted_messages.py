"""Kinds of messages that a person does not want."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('users', sa.Column('unwanted_kinds', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment='kinds of messages the person does not want'), schema='bank')
    op.add_column('notifications', sa.Column('is_unwanted', sa.Boolean(), server_default=sa.text('false'), nullable=False, comment='the person wants none of this kind: no channel delivers it'), schema='bank')


def downgrade() -> None:
    op.drop_column('notifications', 'is_unwanted', schema='bank')
    op.drop_column('users', 'unwanted_kinds', schema='bank')
