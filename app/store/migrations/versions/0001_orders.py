"""Inbox, orders, outbox, tokens.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
-- Deliveries as they came. One row per (channel, delivery_id): the key that catches duplicates.
CREATE TABLE inbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel         text        NOT NULL,
    delivery_id     text        NOT NULL,
    topic           text        NOT NULL,
    request_id      text        NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    state           text        NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'done', 'quarantined', 'discarded')),
    attempts        smallint    NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    finished_at     timestamptz,
    order_id        bigint,
    result          text,
    job_id          text,
    error           text,
    payload         text        NOT NULL,
    CONSTRAINT inbox_delivery UNIQUE (channel, delivery_id)
);
CREATE INDEX inbox_pending ON inbox (id) WHERE state = 'pending';
CREATE INDEX inbox_quarantined ON inbox (id) WHERE state = 'quarantined';
CREATE INDEX inbox_order ON inbox (order_id) WHERE order_id IS NOT NULL;
-- Times of receipt follow the order of insertion: 128 pages a summary is enough for pruning by age.
CREATE INDEX inbox_received ON inbox USING brin (received_at);

CREATE TABLE orders (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel          text        NOT NULL,
    external_id      text        NOT NULL,
    number           text        NOT NULL,
    -- what the channel says, and by which version it said so: (channel_version, channel_rank, channel_delivery)
    channel_status   text        NOT NULL,
    channel_version  timestamptz NOT NULL,
    channel_rank     smallint    NOT NULL,
    channel_delivery text        NOT NULL,
    -- what the operators did; a cancel or a refund by the channel shows through, and nothing else of it does
    progress         text        NOT NULL DEFAULT 'new',
    status           text        NOT NULL GENERATED ALWAYS AS (
        CASE WHEN channel_status IN ('cancelled', 'refunded') THEN channel_status ELSE progress END
    ) STORED,
    placed_at        timestamptz NOT NULL,
    currency         text,
    subtotal         numeric,
    discount_total   numeric,
    shipping_total   numeric,
    tax_total        numeric,
    total            numeric,
    prices_include_tax boolean,
    customer_external_id text,
    customer_name    text,
    customer_email   text,
    customer_phone   text,
    billing_address  json,
    shipping_address json,
    discounts        json       NOT NULL DEFAULT '[]',
    shipping_lines   json       NOT NULL DEFAULT '[]',
    note             text,
    revision         integer     NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_channel_external UNIQUE (channel, external_id)
);
CREATE INDEX orders_placed ON orders (placed_at DESC, id DESC);
CREATE INDEX orders_channel_placed ON orders (channel, placed_at DESC, id DESC);
CREATE INDEX orders_status_placed ON orders (status, placed_at DESC, id DESC);

CREATE TABLE order_items (
    order_id    bigint  NOT NULL REFERENCES orders ON DELETE CASCADE,
    position    integer NOT NULL,
    external_id text    NOT NULL,
    sku         text,
    name        text    NOT NULL,
    quantity    numeric NOT NULL,
    unit_price  numeric NOT NULL,
    discount    numeric,
    tax         numeric,
    total       numeric,
    PRIMARY KEY (order_id, position)
);

CREATE TABLE refunds (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id    bigint  NOT NULL REFERENCES orders ON DELETE CASCADE,
    external_id text    NOT NULL,
    amount      numeric NOT NULL,
    currency    text,
    reason      text,
    refunded_at timestamptz,
    lines       json   NOT NULL DEFAULT '[]',
    CONSTRAINT refunds_external UNIQUE (order_id, external_id)
);

CREATE TABLE fulfillments (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id         bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    external_id      text   NOT NULL,
    status           text   NOT NULL,
    carrier          text,
    tracking_numbers json  NOT NULL DEFAULT '[]',
    tracking_urls    json  NOT NULL DEFAULT '[]',
    version          timestamptz NOT NULL,
    lines            json  NOT NULL DEFAULT '[]',
    CONSTRAINT fulfillments_external UNIQUE (order_id, external_id)
);

-- Every change of an order: who, what, from, to, when, and the request that caused it.
CREATE TABLE order_events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id   bigint      NOT NULL REFERENCES orders ON DELETE CASCADE,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    type       text        NOT NULL,
    actor      text        NOT NULL,
    from_value text,
    to_value   text,
    request_id text        NOT NULL,
    detail     text
);
CREATE INDEX order_events_order ON order_events (order_id, id);

-- Messages to channels. Written in the transaction that makes them necessary, sent by jobs.
CREATE TABLE outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        bigint      NOT NULL REFERENCES orders ON DELETE CASCADE,
    channel         text        NOT NULL,
    kind            text        NOT NULL,
    payload         json       NOT NULL,
    request_id      text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    state           text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    attempts        smallint    NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    finished_at     timestamptz,
    error           text
);
CREATE INDEX outbox_pending ON outbox (id) WHERE state = 'pending';

CREATE TABLE api_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    token_hash   bytea       NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (name) WHERE revoked_at IS NULL;
"""


def upgrade() -> None:
    op.execute(SCHEMA)


def downgrade() -> None:
    raise NotImplementedError("orders are never dropped by a migration; restore a backup instead")
