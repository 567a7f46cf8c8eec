"""An order is shipped that its channel does not know any more: the push is refused and given up."""

from __future__ import annotations

from app.errors import UsageError
from drills.stand import Stand
from stack.pages import open_session

EXPECT = ("StatusPushGivenUp",)
RESOLVE_S = 180.0  # the alert's window
# The load's orders are signed and stored, and the simulated shop has never heard of them.
UNKNOWN = "SELECT id FROM orders WHERE channel = 'woocommerce' AND status = 'new' ORDER BY id DESC LIMIT 1"


def inject(stand: Stand) -> None:
    with stand.connect().cursor() as cursor:
        cursor.execute(UNKNOWN)
        found = cursor.fetchone()
    if found is None:
        raise UsageError("the load has stored no new WooCommerce order yet")
    url = f"{stand.layout.base_url}/orders/{found[0]}"
    with open_session() as session:
        session.headers["Authorization"] = f"Bearer {stand.layout.token_file.read_text(encoding='ascii').strip()}"
        for status in ("processing", "packed", "shipped"):
            match = {"If-Match": session.get(url, timeout=10).headers["ETag"]}
            session.patch(f"{url}/status", json={"status": status}, headers=match, timeout=10).raise_for_status()


def heal(stand: Stand) -> None:
    """Nothing to do: it was given up once, and the window passes."""
