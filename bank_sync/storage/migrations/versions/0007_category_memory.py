"""What a person's corrections taught; the guess that was not sure enough."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('category_memory',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('merchant_key', sa.Text(), nullable=False),
    sa.Column('money_in', sa.Boolean(), nullable=False),
    sa.Column('category_primary', sa.Text(), nullable=False),
    sa.Column('category_detailed', sa.Text(), nullable=True),
    sa.Column('learnt_from', sa.Text(), nullable=False),
    sa.Column('learnt_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['learnt_from'], ['bank.transactions.transaction_id'], name=op.f('fk_category_memory_learnt_from')),
    sa.ForeignKeyConstraint(['user_id'], ['bank.users.user_id'], name=op.f('fk_category_memory_user_id')),
    sa.PrimaryKeyConstraint('user_id', 'merchant_key', 'money_in', name=op.f('pk_category_memory')),
    schema='bank',
    comment='One row per person, merchant and direction: the category that person last said it has.'
    )
    op.add_column('transaction_categories', sa.Column('suggested_primary', sa.Text(), nullable=True, comment='the guess that was not sure enough'), schema='bank')


def downgrade() -> None:
    op.drop_column('transaction_categories', 'suggested_primary', schema='bank')
    op.drop_table('category_memory', schema='bank')
