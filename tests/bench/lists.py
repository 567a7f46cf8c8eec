"""Pages of the order list at a small and at a large number of orders: they must cost the same."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime

from app.store.order_reads import OrderFilter, PageKey, list_orders
from app.store.pool import Pool

_FILL = """
INSERT INTO orders (channel, external_id, number, channel_status, channel_version, channel_rank, channel_delivery,
                    progress, placed_at, currency, total, customer_name, customer_email)
SELECT (ARRAY['shopify', 'woocommerce', 'standard'])[1 + n %% 3], n::text, '#' || n,
       (ARRAY['paid', 'paid', 'fulfilled', 'cancelled'])[1 + n %% 4], now(), 30, 'd' || n,
       CASE WHEN n %% 100000 = 0 THEN 'on_hold' ELSE 'new' END,
       timestamptz '2020-01-01' + n * interval '15 seconds', 'EUR', 10.00, 'Customer ' || n, 'c' || n || '@example.com'
FROM generate_series(%s, %s) AS n
"""
CHUNK = 100_000


def compare_lists(pool: Pool, sizes: tuple[int, ...]) -> None:
    """Fill up to each size in turn and time the pages an operator opens; prints milliseconds, median of nine."""
    done = 0
    for size in sizes:
        while done < size:
            upto = min(size, done + CHUNK)
            with pool.autocommit("bench") as cursor:
                cursor.execute(_FILL, (done + 1, upto))
            done = upto
        with pool.autocommit("bench") as cursor:
            cursor.execute("VACUUM ANALYZE orders")
        middle = PageKey(datetime(2020, 1, 2, tzinfo=UTC), 5000)
        pages = {
            "first page": (OrderFilter(), None),
            "page far down": (OrderFilter(), middle),
            "one channel": (OrderFilter(channel="shopify"), None),
            "a rare status": (OrderFilter(status="on_hold"), None),
            "cancelled of a channel": (OrderFilter(channel="standard", status="cancelled"), None),
            "an e-mail": (OrderFilter(text="c77@example.com"), None),
            "a number": (OrderFilter(text="#4711"), None),
        }
        for name, (wanted, after) in pages.items():
            times = []
            for _ in range(9):
                started = time.perf_counter()
                rows = list_orders(pool, wanted, after=after, limit=50)
                times.append((time.perf_counter() - started) * 1000)
            print(f"{size:>9} orders, {name}: {statistics.median(times):.2f} ms, {len(rows)} rows", flush=True)
