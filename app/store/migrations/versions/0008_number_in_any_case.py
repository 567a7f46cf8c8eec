"""Order numbers are found in any case: people write "#c501" for "#C501".

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP INDEX orders_number")
    op.execute("CREATE INDEX orders_number ON orders (left(lower(number), 200) text_pattern_ops)")


def downgrade() -> None:
    op.execute("DROP INDEX orders_number")
    op.execute("CREATE INDEX orders_number ON orders (left(number, 200) text_pattern_ops)")
