"""A desk that several share, two windows, keys alone and hasty hands: what the console makes of them, in Chromium."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.api_console import insert_delivery, insert_order, run_sql
from tests.console.conftest import Shop
from tests.console.people import make_password
from tests.console.test_console import Enter, read_status
from tests.servers import empty_redis


def test_who_logs_in_over_anothers_page_sees_nothing_of_it(shop: Shop, enter: Enter) -> None:
    order_id = insert_order(shop.postgres.url, "desk-1")
    operator = enter("operator", f"/orders/{order_id}")
    page = operator.page
    expect(page.get_by_role("button", name="On hold")).to_be_visible()
    with operator.holding_still():
        empty_redis(shop.redis)
        page.get_by_role("button", name="On hold").click()
        dialog = page.get_by_role("dialog").filter(has_text="Your session has ended")
        expect(dialog).to_be_visible()
    dialog.get_by_label("Email").fill("viewer@shop.example")
    dialog.get_by_label("Password").fill(make_password("viewer"))
    dialog.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Account of viewer@shop.example")).to_be_visible()
    expect(page.get_by_text("Operators may change the status.")).to_be_visible()
    expect(page.get_by_role("button", name="On hold")).to_have_count(0)


def test_what_one_began_is_not_done_in_the_name_of_another(shop: Shop, enter: Enter) -> None:
    order_id = insert_order(shop.postgres.url, "desk-2")
    operator = enter("operator", f"/orders/{order_id}")
    expect(operator.page.get_by_role("button", name="On hold")).to_be_visible()
    other = operator.page.context.new_page()
    other.goto(f"{operator.base_url}/console/login")
    other.get_by_label("Email").fill("admin@shop.example")
    other.get_by_label("Password").fill(make_password("admin"))
    other.get_by_role("button", name="Log in").click()
    expect(other.get_by_role("link", name="Audit").first).to_be_visible()
    operator.page.get_by_role("button", name="On hold").click()
    expect(operator.page.get_by_role("button", name="Account of admin@shop.example")).to_be_visible()
    assert read_status(shop, order_id) == "new"


def test_keys_go_on_beside_what_was_just_told(shop: Shop, enter: Enter) -> None:
    order_id = insert_order(shop.postgres.url, "desk-3")
    page = enter("operator", f"/orders/{order_id}").page
    page.get_by_role("button", name="On hold").click()
    expect(page.get_by_text("is on hold now")).to_be_visible()
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile("/console/orders$"))


def test_a_day_is_written_by_keys(enter: Enter) -> None:
    page = enter("viewer", "/orders?from=2026-02-25&to=2026-03-01").page
    day = page.get_by_label("Placed from")
    day.focus()
    page.keyboard.type("01052025", delay=60)
    expect(day).to_have_value("2025-01-05")
    expect(page).to_have_url(re.compile("from=2025-01-05"))


def test_what_is_new_is_shown_from_the_top(shop: Shop, enter: Enter) -> None:
    run_sql(
        shop.postgres.url,
        "INSERT INTO orders (channel, external_id, number, channel_status, channel_version, channel_rank,"
        " channel_delivery, placed_at, currency, total) SELECT 'woocommerce', 'top-' || n, '#top-' || n,"
        " 'paid', now(), 30, 'd', now() - n * interval '1 minute', 'EUR', n FROM generate_series(1, 90) AS n",
    )
    page = enter("viewer", "/orders?channel=woocommerce").page
    expect(page.get_by_text("90 orders, all of them")).to_be_visible()
    rows = page.get_by_role("region", name="List of orders")
    rows.evaluate("one => one.scrollTo(0, 900)")
    expect(page.get_by_role("link", name="#top-1", exact=True)).to_have_count(0)
    placed = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    insert_order(shop.postgres.url, "top-new", channel="woocommerce", placed_at=placed)
    page.get_by_role("button", name="1 new").click()
    expect(page.get_by_role("link", name="#top-new")).to_be_in_viewport()


def test_a_double_click_replays_once(shop: Shop, enter: Enter) -> None:
    insert_delivery(shop.postgres.url, "twice-1", error="PayloadError: clicked twice", attempts=1)
    page = enter("operator", "/quarantine").page
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/replay") else None)
    one = page.get_by_role("listitem").filter(has_text="clicked twice")
    expect(one).to_contain_text("1 try")
    one.get_by_role("button", name="Replay").dblclick()
    expect(page.get_by_text("Tried again, with all its tries")).to_be_visible()
    assert len(asked) == 1


def test_long_words_push_nothing_off_the_page(shop: Shop, enter: Enter) -> None:
    order_id = insert_order(
        shop.postgres.url, "long-1", customer_phone="9" * 80, customer_email="e" * 90 + "@x.example"
    )
    run_sql(
        shop.postgres.url,
        "INSERT INTO order_items (order_id, position, external_id, sku, name, quantity, unit_price)"
        " VALUES (%s, 0, 'i', %s, %s, 2, 9.95) RETURNING order_id",
        (order_id, "S" * 120, "W" * 200),
    )
    page = enter("viewer", f"/orders/{order_id}", width=390).page
    expect(page.get_by_role("cell", name="9.95")).to_be_in_viewport()
    whole = page.get_by_role("region", name="Order")
    assert whole.evaluate("one => one.scrollWidth - one.clientWidth") <= 0


def test_a_page_that_nobody_looks_at_is_covered_when_its_session_ends(shop: Shop, enter: Enter) -> None:
    order_id = insert_order(shop.postgres.url, "desk-4", customer_name="Ada Sample")
    person = enter("viewer")
    person.page.clock.install()
    person.open(f"/orders/{order_id}")
    expect(person.page.get_by_text("Ada Sample")).to_be_visible()
    person.page.clock.fast_forward("06:00")  # the page stops asking what has changed
    with person.page.expect_response(lambda one: one.url.endswith("/operations")):
        person.page.clock.fast_forward("01:00")
    empty_redis(shop.redis)
    person.page.clock.fast_forward("01:00")
    expect(person.page.get_by_text("Your session has ended")).to_be_visible()


def test_a_page_that_back_brings_back_is_loaded_anew(enter: Enter) -> None:
    page = enter("viewer").page
    page.evaluate(
        """() => {
          window.left = true;
          window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
        }"""
    )
    page.wait_for_function("() => window.left === undefined")
    expect(page.get_by_role("searchbox", name="Search orders")).to_be_visible()


def test_the_way_back_from_an_order_leads_to_the_list_as_it_was(shop: Shop, enter: Enter) -> None:
    insert_order(shop.postgres.url, "desk-5", customer_name="Backward Sample")
    page = enter("viewer", "/orders?text=Backward").page
    page.get_by_role("link", name="#desk-5").click()
    page.get_by_role("link", name="Back to the orders").click()
    expect(page).to_have_url(re.compile(r"/console/orders\?text=Backward$"))
