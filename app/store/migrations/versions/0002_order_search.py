"""Indexes of the order list: search by text, and by the channel's status.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# left: no index entry holds more than 2,704 bytes, and an order with a longer name is an order all the same.
# text_pattern_ops: LIKE 'prefix%' uses them whatever the collation of the database is.
# Not partial (WHERE ... IS NOT NULL): PostgreSQL would not use the statistics of their expressions.
INDEXES = """
CREATE INDEX orders_number ON orders (left(number, 200) text_pattern_ops);
CREATE INDEX orders_customer_email ON orders (left(lower(customer_email), 200) text_pattern_ops);
CREATE INDEX orders_customer_name ON orders (left(lower(customer_name), 200) text_pattern_ops);
CREATE INDEX orders_channel_status_placed ON orders (channel_status, placed_at DESC, id DESC);
"""


def upgrade() -> None:
    op.execute(INDEXES)


def downgrade() -> None:
    for name in ("number", "customer_email", "customer_name", "channel_status_placed"):
        op.execute(f"DROP INDEX orders_{name}")
