"""A customer's request for their data came a month ago (its row is dated back), and nobody has answered it."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("PrivacyRequestOverdue",)
DETECT_S = 90.0
REQUEST = "INSERT INTO privacy_requests (channel, kind, actor, request_id, received_at, due_at) VALUES"
VALUES = "('shopify', 'data_request', 'drill', 'drill', now() - interval '31 days', now() - interval '1 day')"


def inject(stand: Stand) -> None:
    stand.undo.callback(stand.run_sql, "DELETE FROM privacy_requests WHERE actor = 'drill'")
    stand.run_sql(f"{REQUEST} {VALUES}")


def heal(stand: Stand) -> None:
    stand.undo.close()
