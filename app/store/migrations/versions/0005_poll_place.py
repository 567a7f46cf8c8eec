"""The place in a channel's list where a poll was broken off.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHANGES = """
-- Of a list whose pages are not in the order of change: only at its end is it known how far everything has been seen.
-- All four are null together, between lists.
ALTER TABLE poll_state
    ADD COLUMN list_cursor     text,
    ADD COLUMN list_since      timestamptz,
    ADD COLUMN list_started_at timestamptz,
    ADD COLUMN list_newest     timestamptz;
"""


def upgrade() -> None:
    op.execute(CHANGES)


def downgrade() -> None:
    op.execute(
        "ALTER TABLE poll_state DROP COLUMN list_cursor, DROP COLUMN list_since,"
        " DROP COLUMN list_started_at, DROP COLUMN list_newest"
    )
