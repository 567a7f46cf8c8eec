"""Requests about personal data, and what keeps the erased erased.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CHANGES = """
-- One row per request. `subject` says who is meant, and is emptied when the request is done: the row stays as a record.
CREATE TABLE privacy_requests (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel         text        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('data_request', 'redact_customer', 'redact_shop', 'export')),
    actor           text        NOT NULL,
    request_id      text        NOT NULL,
    received_at     timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    -- held: the same body came before under another delivery id; nothing is erased until an operator confirms
    state           text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'held', 'done')),
    subject         json,
    body_digest     text,
    completed_at    timestamptz,
    orders_erased   integer     NOT NULL DEFAULT 0,
    payloads_erased integer     NOT NULL DEFAULT 0,
    -- where the work stands: every batch commits with it
    phase           text        NOT NULL DEFAULT 'wait' CHECK (phase IN ('wait', 'orders', 'payloads')),
    barrier         xid8,
    walked          bigint      NOT NULL DEFAULT 0,
    runs            integer     NOT NULL DEFAULT 0,
    next_run_at     timestamptz
);
CREATE INDEX privacy_requests_open ON privacy_requests (id) WHERE state <> 'done';
CREATE UNIQUE INDEX privacy_requests_body ON privacy_requests (channel, body_digest);

-- Keyed hashes of erased orders, customers, e-mail addresses and shops, and since when.
CREATE TABLE erased_subjects (
    channel   text        NOT NULL,
    subject   text        NOT NULL,
    erased_at timestamptz NOT NULL,
    PRIMARY KEY (channel, subject)
);
CREATE TABLE privacy_key (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    key     bytea NOT NULL
);
INSERT INTO privacy_key (key)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

ALTER TABLE orders ADD COLUMN erased_at timestamptz;
-- left: see migration 0002
CREATE INDEX orders_customer ON orders (channel, left(customer_external_id, 200));
"""


def upgrade() -> None:
    op.execute(CHANGES)


def downgrade() -> None:
    raise NotImplementedError("who was erased must stay erased; restore a backup instead")
