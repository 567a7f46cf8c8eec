"""Orders of a simulated channel that a drill's operator changes, so that the channel is to be told."""

from __future__ import annotations

from app.errors import UsageError
from drills.console import make_headers
from drills.stand import Stand
from stack.pages import open_session
from stack.processes import wait_until

STORED_DEADLINE_S = 20.0
CALL_DEADLINE_S = 10.0
CHANNEL = "woocommerce"
KNOWN = "SELECT id FROM orders WHERE channel = %s AND external_id = ANY (%s) ORDER BY id"


def ship_orders(stand: Stand, count: int) -> None:
    """Have so many new orders of WooCommerce stored, and ship them. Raises UsageError when they do not come in."""
    made = [external_id for _, external_id in stand.open_simulator().make_orders(CHANNEL, count)]
    cursor = stand.connect().cursor()

    def list_ids() -> list[int]:
        cursor.execute(KNOWN, (CHANNEL, made))
        return [row[0] for row in cursor.fetchall()]

    if not wait_until(lambda: len(list_ids()) == count, STORED_DEADLINE_S, pause_s=0.2):
        raise UsageError(f"of {count} new orders of the simulator only {len(list_ids())} were stored")
    with open_session() as session:
        session.headers.update(make_headers(stand))
        for order_id in list_ids():
            url = f"{stand.layout.base_url}/orders/{order_id}"
            tag = session.get(url, timeout=CALL_DEADLINE_S).headers["ETag"]
            for status in ("processing", "packed", "shipped"):
                answer = session.patch(
                    f"{url}/status", json={"status": status}, headers={"If-Match": tag}, timeout=CALL_DEADLINE_S
                )
                answer.raise_for_status()
                tag = answer.headers["ETag"]
