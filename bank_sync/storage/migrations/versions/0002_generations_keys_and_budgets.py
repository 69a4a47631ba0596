"""Generations of a link, keys of a transaction, a person's edits, proofs, budgets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('breakers',
    sa.Column('breaker_key', sa.Text(), nullable=False, comment='credential:… or institution:provider:…'),
    sa.Column('recent', postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment='by connection: when it last failed'),
    sa.Column('openings', sa.Integer(), server_default=sa.text('0'), nullable=False, comment='in a row; each waits longer'),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('retry_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('probe', sa.Text(), nullable=True, comment='connection that was let through last, while open'),
    sa.PrimaryKeyConstraint('breaker_key', name=op.f('pk_breakers')),
    schema='bank',
    comment='One row per credential or institution that failed lately; open while opened_at is set.'
    )
    op.create_table('application_tokens',
    sa.Column('token_key', sa.Text(), nullable=False, comment="provider and hash of the application's id"),
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('nonce', sa.LargeBinary(), nullable=False),
    sa.Column('ciphertext', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('token_key', name=op.f('pk_application_tokens')),
    schema='bank',
    comment='One row per application at a provider: its own tokens, sealed, shared by all processes.'
    )
    op.create_table('account_details',
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.Column('provider_account_id', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False, comment='JSON text, minimised like a raw page'),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['bank.connections.connection_id'], name=op.f('fk_account_details_connection_id')),
    sa.PrimaryKeyConstraint('connection_id', 'provider_account_id', name=op.f('pk_account_details')),
    schema='bank',
    comment='One row per account whose details cost a call of a daily quota: the last ones read.'
    )
    op.create_table('quota_calls',
    sa.Column('call_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('account_hash', sa.Text(), nullable=False, comment="of the provider's account id"),
    sa.Column('scope', sa.Text(), nullable=False, comment='details, balances or transactions'),
    sa.Column('asked_by', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False, comment='reserved, succeeded, failed or refused'),
    sa.Column('units', sa.Integer(), nullable=False, comment='calls it stands for, until counts_until'),
    sa.Column('counts_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('call_limit', sa.Integer(), nullable=True, comment='what the answer said'),
    sa.Column('reserved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('call_id', name=op.f('pk_quota_calls')),
    schema='bank',
    comment='One row per call against a daily quota, written before the call is made.'
    )
    op.create_index('ix_quota_calls_counting', 'quota_calls', ['provider', 'account_hash', 'scope', sa.literal_column('counts_until DESC')], unique=False, schema='bank')
    op.create_table('rate_budgets',
    sa.Column('budget_key', sa.Text(), nullable=False, comment='provider, or provider:endpoint:item'),
    sa.Column('arrival_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('budget_key', name=op.f('pk_rate_budgets')),
    schema='bank',
    comment='One row per minute budget: the theoretical arrival time of its next unit (GCRA).'
    )
    op.create_table('transaction_overlays',
    sa.Column('transaction_id', sa.Text(), nullable=False),
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.Column('category_primary', sa.Text(), nullable=True),
    sa.Column('category_detailed', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('is_hidden', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('changed_by', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['bank.connections.connection_id'], name=op.f('fk_transaction_overlays_connection_id')),
    sa.ForeignKeyConstraint(['transaction_id'], ['bank.transactions.transaction_id'], name=op.f('fk_transaction_overlays_transaction_id')),
    sa.PrimaryKeyConstraint('transaction_id', name=op.f('pk_transaction_overlays')),
    schema='bank',
    comment="One row per transaction a person edited: kept beside the provider's row, untouched by syncs."
    )
    op.create_table('reconciliations',
    sa.Column('account_id', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('proven', 'differs', 'unknown', name='state', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('difference', sa.Numeric(precision=28, scale=8), nullable=True),
    sa.Column('opening_amount', sa.Numeric(precision=28, scale=8), nullable=True),
    sa.Column('opening_as_of', sa.DateTime(timezone=True), nullable=True),
    sa.Column('flows', sa.Numeric(precision=28, scale=8), nullable=True),
    sa.Column('closing_amount', sa.Numeric(precision=28, scale=8), nullable=True),
    sa.Column('closing_as_of', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('opening_total', sa.Numeric(precision=28, scale=8), nullable=True, comment="of the ledger's posted rows at the opening"),
    sa.Column('opening_generation', sa.Integer(), nullable=True, comment="the connection's at the opening"),
    sa.Column('syncs_differing', sa.Integer(), server_default=sa.text('0'), nullable=False, comment='in a row'),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['bank.accounts.account_id'], name=op.f('fk_reconciliations_account_id')),
    sa.ForeignKeyConstraint(['connection_id'], ['bank.connections.connection_id'], name=op.f('fk_reconciliations_connection_id')),
    sa.PrimaryKeyConstraint('account_id', 'currency', name=op.f('pk_reconciliations')),
    schema='bank',
    comment='One row per account and currency: whether opening balance + flows = closing balance.'
    )
    op.create_table('transaction_keys',
    sa.Column('account_id', sa.Text(), nullable=False),
    sa.Column('transaction_key', sa.Text(), nullable=False, comment='id:… or content:…; see sync.identity'),
    sa.Column('transaction_id', sa.Text(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False, comment="the connection's when the key was last seen"),
    sa.Column('round_id', sa.BigInteger(), nullable=False, comment='the round that last changed it or its row'),
    sa.ForeignKeyConstraint(['account_id'], ['bank.accounts.account_id'], name=op.f('fk_transaction_keys_account_id')),
    sa.ForeignKeyConstraint(['transaction_id'], ['bank.transactions.transaction_id'], name=op.f('fk_transaction_keys_transaction_id')),
    sa.PrimaryKeyConstraint('account_id', 'transaction_key', name=op.f('pk_transaction_keys')),
    schema='bank',
    comment='One row per key a transaction was ever known by; re-links and new ids add keys, not rows.'
    )
    op.create_index(op.f('ix_transaction_keys_transaction_id'), 'transaction_keys', ['transaction_id'], unique=False, schema='bank')
    op.create_table('account_keys',
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.Column('stable_key', sa.Text(), nullable=False),
    sa.Column('account_id', sa.Text(), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['bank.accounts.account_id'], name=op.f('fk_account_keys_account_id')),
    sa.ForeignKeyConstraint(['connection_id'], ['bank.connections.connection_id'], name=op.f('fk_account_keys_connection_id')),
    sa.PrimaryKeyConstraint('connection_id', 'stable_key', name=op.f('pk_account_keys')),
    schema='bank',
    comment='One row per key an account was ever told by; told_at says since when it is the one told.'
    )
    op.create_index(op.f('ix_account_keys_account_id'), 'account_keys', ['account_id'], unique=False, schema='bank')
    op.execute(
        "INSERT INTO bank.account_keys (connection_id, stable_key, account_id, told_at) "
        "SELECT connection_id, stable_key, account_id, changed_at FROM bank.accounts"
    )
    op.drop_column('accounts', 'stable_key', schema='bank')
    op.create_table_comment(
        'accounts',
        'One row per account of a connection, over all its links.',
        existing_comment='One row per account of a connection; the stable key survives a re-link.',
        schema='bank'
    )
    op.add_column('accounts', sa.Column('key_basis', sa.Enum('provider_id', 'content', name='key_basis', native_enum=False, create_constraint=True, length=32), server_default=sa.text("'provider_id'"), nullable=False), schema='bank')
    op.add_column('accounts', sa.Column('ids_compared', sa.Integer(), server_default=sa.text('0'), nullable=False), schema='bank')
    op.add_column('accounts', sa.Column('ids_changed', sa.Integer(), server_default=sa.text('0'), nullable=False), schema='bank')
    op.add_column('connections', sa.Column('history_state', sa.Enum('not_ready', 'recent', 'complete', name='history_state', native_enum=False, create_constraint=True, length=32), nullable=True), schema='bank')
    op.add_column('connections', sa.Column('generation', sa.Integer(), server_default=sa.text('0'), nullable=False, comment='counts re-links and lost cursors: keys confirmed in the current one are trusted'), schema='bank')
    op.add_column('connections', sa.Column('failures', sa.Integer(), server_default=sa.text('0'), nullable=False, comment='in a row, since the last good sync'), schema='bank')
    op.add_column('connections', sa.Column('first_failed_at', sa.DateTime(timezone=True), nullable=True), schema='bank')
    op.add_column('connections', sa.Column('told_at', sa.DateTime(timezone=True), nullable=True), schema='bank')
    op.add_column('connections', sa.Column('lease_holder', sa.Text(), nullable=True, comment='who syncs now; free when NULL or past lease_until'), schema='bank')
    op.add_column('connections', sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True), schema='bank')
    op.add_column('quarantine', sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False, comment='how often it was asked again'), schema='bank')
    op.add_column('quarantine', sa.Column('retried_at', sa.DateTime(timezone=True), nullable=True), schema='bank')
    op.add_column('quarantine', sa.Column('resolution', sa.Text(), nullable=True, comment='asked_again, applied, overtaken, dismissed'), schema='bank')
    op.add_column('transaction_links', sa.Column('state', sa.Enum('proposed', 'accepted', 'rejected', name='state', native_enum=False, create_constraint=True, length=32), server_default=sa.text("'accepted'"), nullable=False), schema='bank')
    op.add_column('transaction_links', sa.Column('undone_by', sa.Text(), nullable=True), schema='bank')
    op.add_column('coverage', sa.Column('is_history_complete', sa.Boolean(), server_default=sa.text('false'), nullable=False), schema='raw')
    op.create_table_comment(
        'coverage',
        'One row per account: the dates complete answers have covered, and whether older ones exist.',
        existing_comment='One row per account of a window provider: the dates that complete answers have covered.',
        schema='raw'
    )
    op.add_column('rounds', sa.Column('generation', sa.Integer(), server_default=sa.text('0'), nullable=False, comment="the connection's when read"), schema='raw')
    op.add_column('rounds', sa.Column('is_complete', sa.Boolean(), server_default=sa.text('true'), nullable=False, comment='false when an account failed'), schema='raw')
    op.add_column('rounds', sa.Column('history_state', sa.Enum('not_ready', 'recent', 'complete', name='history_state', native_enum=False, create_constraint=True, length=32), nullable=True, comment='what the provider said'), schema='raw')
    op.add_column('rounds', sa.Column('held_at', sa.DateTime(timezone=True), nullable=True), schema='raw')
    op.add_column('rounds', sa.Column('held_reason', sa.Text(), nullable=True), schema='raw')
    op.add_column('rounds', sa.Column('released_at', sa.DateTime(timezone=True), nullable=True), schema='raw')
    op.add_column('rounds', sa.Column('released_by', sa.Text(), nullable=True, comment='who let a held round through'), schema='raw')
    op.execute(
        "INSERT INTO bank.transaction_keys (account_id, transaction_key, transaction_id, generation, round_id) "
        "SELECT account_id, transaction_key, transaction_id, 0, round_id FROM bank.transactions"
    )
    op.drop_column('transactions', 'transaction_key', schema='bank')
    op.drop_index('uq_transaction_links_live', table_name='transaction_links', schema='bank')
    op.create_index('uq_transaction_links_live', 'transaction_links', ['kind', 'from_transaction_id'], unique=True, schema='bank', postgresql_where=sa.text("undone_at IS NULL AND state = 'accepted'"))
    op.drop_index('ix_connections_due', table_name='connections', schema='bank')
    op.create_index('ix_connections_due', 'connections', ['next_sync_at'], unique=False, schema='bank', postgresql_where=sa.text("state NOT IN ('revoked', 'erased')"))
    op.create_index('ix_rounds_projected', 'rounds', ['connection_id', 'projected_at'], unique=False, schema='raw')
    op.create_index('ix_transaction_links_from', 'transaction_links', ['from_transaction_id'], unique=False, schema='bank')
    op.create_index('ix_transaction_links_to', 'transaction_links', ['to_transaction_id'], unique=False, schema='bank')


def downgrade() -> None:
    op.drop_index('ix_connections_due', table_name='connections', schema='bank')
    op.create_index('ix_connections_due', 'connections', ['next_sync_at'], unique=False, schema='bank', postgresql_where=sa.text("state IN ('connected', 'pending_refresh')"))
    op.add_column('transactions', sa.Column('transaction_key', sa.Text(), comment='unique within the account; see sync.identity'), schema='bank')
    op.execute(
        "UPDATE bank.transactions AS t SET transaction_key = (SELECT min(transaction_key) "
        "FROM bank.transaction_keys AS k WHERE k.transaction_id = t.transaction_id)"
    )
    op.alter_column('transactions', 'transaction_key', nullable=False, schema='bank')
    op.create_unique_constraint('uq_transactions_account_id_transaction_key', 'transactions', ['account_id', 'transaction_key'], schema='bank')
    op.drop_index('ix_rounds_projected', table_name='rounds', schema='raw')
    op.drop_index('ix_transaction_links_to', table_name='transaction_links', schema='bank')
    op.drop_index('ix_transaction_links_from', table_name='transaction_links', schema='bank')
    op.drop_index('uq_transaction_links_live', table_name='transaction_links', schema='bank')
    op.create_index('uq_transaction_links_live', 'transaction_links', ['kind', 'from_transaction_id'], unique=True, schema='bank', postgresql_where=sa.text('undone_at IS NULL'))
    op.drop_column('rounds', 'released_by', schema='raw')
    op.drop_column('rounds', 'released_at', schema='raw')
    op.drop_column('rounds', 'held_reason', schema='raw')
    op.drop_column('rounds', 'held_at', schema='raw')
    op.drop_column('rounds', 'history_state', schema='raw')
    op.drop_column('rounds', 'is_complete', schema='raw')
    op.drop_column('rounds', 'generation', schema='raw')
    op.create_table_comment(
        'coverage',
        'One row per account of a window provider: the dates that complete answers have covered.',
        existing_comment='One row per account: the dates complete answers have covered, and whether older ones exist.',
        schema='raw'
    )
    op.drop_column('coverage', 'is_history_complete', schema='raw')
    op.drop_column('transaction_links', 'undone_by', schema='bank')
    op.drop_column('transaction_links', 'state', schema='bank')
    op.drop_column('quarantine', 'resolution', schema='bank')
    op.drop_column('quarantine', 'retried_at', schema='bank')
    op.drop_column('quarantine', 'tries', schema='bank')
    op.drop_column('connections', 'lease_until', schema='bank')
    op.drop_column('connections', 'lease_holder', schema='bank')
    op.drop_column('connections', 'told_at', schema='bank')
    op.drop_column('connections', 'first_failed_at', schema='bank')
    op.drop_column('connections', 'failures', schema='bank')
    op.drop_column('connections', 'generation', schema='bank')
    op.drop_column('connections', 'history_state', schema='bank')
    op.drop_column('accounts', 'ids_changed', schema='bank')
    op.drop_column('accounts', 'ids_compared', schema='bank')
    op.drop_column('accounts', 'key_basis', schema='bank')
    op.create_table_comment(
        'accounts',
        'One row per account of a connection; the stable key survives a re-link.',
        existing_comment='One row per account of a connection, over all its links.',
        schema='bank'
    )
    op.add_column('accounts', sa.Column('stable_key', sa.Text()), schema='bank')
    op.execute(
        "UPDATE bank.accounts AS a SET stable_key = (SELECT stable_key FROM bank.account_keys AS k "
        "WHERE k.account_id = a.account_id ORDER BY told_at DESC, stable_key DESC LIMIT 1)"
    )
    op.alter_column('accounts', 'stable_key', nullable=False, schema='bank')
    op.create_unique_constraint('uq_accounts_connection_id_stable_key', 'accounts', ['connection_id', 'stable_key'], schema='bank')
    op.drop_index(op.f('ix_account_keys_account_id'), table_name='account_keys', schema='bank')
    op.drop_table('account_keys', schema='bank')
    op.drop_index(op.f('ix_transaction_keys_transaction_id'), table_name='transaction_keys', schema='bank')
    op.drop_table('transaction_keys', schema='bank')
    op.drop_table('reconciliations', schema='bank')
    op.drop_table('transaction_overlays', schema='bank')
    op.drop_table('rate_budgets', schema='bank')
    op.drop_index('ix_quota_calls_counting', table_name='quota_calls', schema='bank')
    op.drop_table('quota_calls', schema='bank')
    op.drop_table('account_details', schema='bank')
    op.drop_table('application_tokens', schema='bank')
    op.drop_table('breakers', schema='bank')
