"""The heart of a poll worker: it beats between the calls that a page takes, and not while one of them hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

import redis

from stack.processes import wait_until
from tests.doors import Asked, Reply, open_shop
from tests.integration.conftest import StartService
from tests.shops import SECRET, answer_amazon, make_order, make_page

ORDERS = 6
ITEM_S = 1.2  # the page takes seven seconds, longer than an idle worker's heart takes for a beat
HANGING = "/orders/v0/orders/4/orderItems"
HANG_S = 4.0
DEADLINE_S = 60.0


def test_the_heart_beats_between_the_calls_of_a_page_and_not_while_one_hangs(
    start_service: StartService, database_url: str, redis_url: str
) -> None:
    answered: list[tuple[str, float]] = []  # path of an order's items, and when they were asked for

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/orderItems"):
            answered.append((asked.path, time.time()))
            time.sleep(HANG_S if asked.path == HANGING else ITEM_S)
        return page(asked)

    page = answer_amazon(
        lambda _: make_page("amazon", [make_order("amazon", number) for number in range(1, ORDERS + 1)])
    )
    with open_shop(answer) as shop:
        settings = {
            "amazon_api_url": shop.url,
            "amazon_token_url": f"{shop.url}/token",
            "amazon_client_id": "amzn1.application-oa2-client.test",
            "amazon_client_secret": SECRET,
            "amazon_refresh_token": SECRET,
            "amazon_marketplace_ids": "M1",
            "outbound_allow": shop.place,
            "poll_interval_s": "3600",
        }
        service = start_service(database_url, redis_url, **settings)
        service.add_worker("poll")
        service.add("dispatcher", "dispatcher")
        service.wait_ready()
        beats = watch_beats(redis_url, lambda: len(answered) == ORDERS and time.time() - answered[-1][1] > ITEM_S + 1)
    asked = dict(answered)
    assert len(asked) == ORDERS
    begun, hang = answered[0][1], asked[HANGING]
    ended = answered[-1][1] + ITEM_S
    assert not [one for one in beats if hang + 0.3 < one < hang + HANG_S - 0.3], "a call that hangs is seen to hang"
    moving = [begun, *(one for one in beats if begun < one < ended), ended]
    gaps = [later - earlier for earlier, later in pairwise(moving) if not earlier <= hang < later]
    assert len(gaps) >= ORDERS - 1
    assert max(gaps) < ITEM_S + 1.0, "a page of slow items is seen to move"


def watch_beats(redis_url: str, is_over: Callable[[], bool]) -> list[float]:
    """Unix times of the heartbeats of the one poll worker until `is_over`."""
    client = redis.Redis.from_url(redis_url, socket_timeout=5)
    seen: set[float] = set()

    def look() -> bool:
        for key in client.smembers("rq:workers:poll"):
            beat = client.hget(key, "last_heartbeat")
            if beat:
                seen.add(datetime.fromisoformat(beat.decode().replace("Z", "+00:00")).timestamp())
        return is_over()

    try:
        assert wait_until(look, DEADLINE_S, 0.05), "the page was not read in time"
    finally:
        client.close()
    return sorted(seen)
