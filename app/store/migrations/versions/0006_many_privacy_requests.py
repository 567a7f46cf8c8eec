"""Indexes that keep a flood of privacy requests from slowing the dispatcher and the exporter.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHANGES = """
-- What the dispatcher asks for every second: requests to erase, however many to tell something wait for an answer.
CREATE INDEX privacy_requests_due ON privacy_requests (id)
    WHERE state = 'open' AND kind IN ('redact_customer', 'redact_shop');
-- What the exporter counts at every scrape, up to a cap.
CREATE INDEX privacy_requests_open_kind ON privacy_requests (kind, id) WHERE state <> 'done';
DROP INDEX privacy_requests_open;
"""


def upgrade() -> None:
    op.execute(CHANGES)


def downgrade() -> None:
    op.execute(
        "CREATE INDEX privacy_requests_open ON privacy_requests (id) WHERE state <> 'done';"
        " DROP INDEX privacy_requests_due; DROP INDEX privacy_requests_open_kind"
    )
