"""Polling by lease, the origin of a delivery, and what a push needs.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE inbox ADD COLUMN origin text NOT NULL DEFAULT 'webhook' CHECK (origin IN ('webhook', 'poll'));

-- One row per polled channel. Everything modified before synced_until has been seen; the lease lets one poller work.
CREATE TABLE poll_state (
    channel         text PRIMARY KEY,
    synced_until    timestamptz NOT NULL,
    next_poll_at    timestamptz NOT NULL DEFAULT now(),
    lease_holder    text,
    lease_until     timestamptz,
    last_success_at timestamptz,
    failures        integer NOT NULL DEFAULT 0,
    last_error      text
);

ALTER TABLE outbox ADD COLUMN last_attempt_at timestamptz;
CREATE INDEX outbox_failed ON outbox (id) WHERE state = 'failed';
CREATE INDEX outbox_order ON outbox (order_id);
"""


def upgrade() -> None:
    op.execute(CHANGES)


def downgrade() -> None:
    op.execute(
        "DROP TABLE poll_state; ALTER TABLE inbox DROP COLUMN origin; ALTER TABLE outbox DROP COLUMN last_attempt_at"
    )
