"""The web side: keys, sessions, links and syncs under way."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_keys',
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False, comment='what it is for, as the operator said'),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False, comment='SHA-256 of 256 random bits'),
    sa.Column('scopes', sa.Text(), nullable=False, comment='read, or read,write'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('key_id', name=op.f('pk_api_keys')),
    schema='bank',
    comment='One row per key of an embedding application; the secret itself is shown once and not stored.'
    )
    op.create_table('web_sessions',
    sa.Column('session_id', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('link_hash', sa.LargeBinary(), nullable=False, comment='of the address that opens it'),
    sa.Column('cookie_hash', sa.LargeBinary(), nullable=True, comment='NULL until the address was opened'),
    sa.Column('purpose', sa.Text(), nullable=False, comment='the page it opens at: connect or connections'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('link_ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['bank.users.user_id'], name=op.f('fk_web_sessions_user_id')),
    sa.PrimaryKeyConstraint('session_id', name=op.f('pk_web_sessions')),
    sa.UniqueConstraint('link_hash', name=op.f('uq_web_sessions_link_hash')),
    sa.UniqueConstraint('cookie_hash', name=op.f('uq_web_sessions_cookie_hash')),
    schema='bank',
    comment="One row per address given to a person's browser, and the session it opens."
    )
    op.create_index(op.f('ix_web_sessions_user_id'), 'web_sessions', ['user_id'], unique=False, schema='bank')
    op.create_table('link_attempts',
    sa.Column('attempt_id', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Text(), nullable=True, comment='the browser that began it; NULL for the API'),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('institution_id', sa.Text(), nullable=True),
    sa.Column('institution_name', sa.Text(), nullable=True),
    sa.Column('connection_id', sa.Text(), nullable=True, comment='what it repairs, or once it is finished what it made'),
    sa.Column('is_repair', sa.Boolean(), nullable=False, comment='the provider keeps the link as it is'),
    sa.Column('start', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='what the browser needs; good for minutes'),
    sa.Column('reference', sa.Text(), nullable=False, comment='nonce, requisition id or our own'),
    sa.Column('state_hash', sa.LargeBinary(), nullable=True, comment='of the one-time word a redirect brings back'),
    sa.Column('state', sa.Text(), server_default='open', nullable=False, comment='open, finished, failed, expired'),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['bank.users.user_id'], name=op.f('fk_link_attempts_user_id')),
    sa.PrimaryKeyConstraint('attempt_id', name=op.f('pk_link_attempts')),
    sa.UniqueConstraint('state_hash', name=op.f('uq_link_attempts_state_hash')),
    schema='bank',
    comment='One row per try to connect or repair a bank.'
    )
    op.create_index('ix_link_attempts_open', 'link_attempts', ['ends_at'], unique=False, schema='bank', postgresql_where=sa.text("state = 'open'"))
    op.create_index(op.f('ix_link_attempts_user_id'), 'link_attempts', ['user_id'], unique=False, schema='bank')
    op.create_table('sync_requests',
    sa.Column('request_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.Column('asked_by', sa.Text(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['connection_id'], ['bank.connections.connection_id'], name=op.f('fk_sync_requests_connection_id')),
    sa.PrimaryKeyConstraint('request_id', name=op.f('pk_sync_requests')),
    schema='bank',
    comment='One row per sync a person asked for; a sensor starts it.'
    )
    op.create_index('uq_sync_requests_waiting', 'sync_requests', ['connection_id'], unique=True, schema='bank', postgresql_where=sa.text('started_at IS NULL'))
    op.create_index(op.f('ix_accounts_provider_account_id'), 'accounts', ['provider_account_id'], unique=False, schema='bank')


def downgrade() -> None:
    op.drop_index(op.f('ix_accounts_provider_account_id'), table_name='accounts', schema='bank')
    for name in ('sync_requests', 'link_attempts', 'web_sessions', 'api_keys'):
        op.drop_table(name, schema='bank')
