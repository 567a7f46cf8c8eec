"""The console in Chromium, against the real service on real servers: what people do there, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import expect

from tests.api_console import insert_delivery, insert_order, run_sql
from tests.console.conftest import Shop
from tests.console.people import Person
from tests.running import PALMONAS
from tests.servers import empty_redis

PAYLOAD = Path(__file__).parents[1] / "payloads" / "shopify" / "order.json"
Enter = Callable[..., Person]


def send_order(shop: Shop, number: int) -> str:
    """As `palmonas send` does for Shopify; returns the order's number as people read it."""
    payload = json.loads(PAYLOAD.read_text("utf-8"))
    payload |= {"id": 7_000_000 + number, "name": f"#C{number}", "order_number": number}
    sent = subprocess.run(
        [PALMONAS, "send", "shopify", "-", "--url", shop.url],
        input=json.dumps(payload),
        env={**os.environ, "PALMONAS_SHOPIFY_SECRETS": shop.service.secrets["shopify"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    return str(payload["name"])


def wait_stored(shop: Shop, number: str) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = run_sql(shop.postgres.url, "SELECT id FROM orders WHERE number = %s", (number,))
        if found:
            return int(found[0][0])
        time.sleep(0.2)
    raise AssertionError(f"{number} was not stored")


def make_order(shop: Shop, name: str, **columns: str) -> int:
    return insert_order(shop.postgres.url, name, **columns)


def read_status(shop: Shop, order_id: int) -> str:
    return str(run_sql(shop.postgres.url, "SELECT status FROM orders WHERE id = %s", (order_id,))[0][0])


def test_a_page_asks_to_log_in_and_comes_back(enter: Enter) -> None:
    person = enter()
    person.open("/quarantine?channel=shopify")
    expect(person.page).to_have_url(re.compile(r"/console/login\?next="))
    person.fill_in("viewer", "not-the-password-at-all")
    expect(person.page.get_by_role("alert")).not_to_be_empty()
    person.fill_in("viewer")
    expect(person.page).to_have_url(re.compile(r"/console/quarantine\?channel=shopify$"))
    expect(person.page.get_by_role("heading", name="Quarantine", exact=True)).to_be_visible()


def test_no_login_leads_to_another_site(enter: Enter) -> None:
    person = enter()
    person.open("/login?next=//evil.example/console/orders")
    person.fill_in("viewer")
    expect(person.page).to_have_url(re.compile(r"^http://127\.0\.0\.1:\d+/console/orders$"))


def test_an_order_just_sent_is_found_and_changed(shop: Shop, enter: Enter) -> None:
    operator = enter("operator")
    page = operator.page
    number = send_order(shop, 501)
    order_id = wait_stored(shop, number)
    page.keyboard.press("/")
    page.keyboard.type("#c501")
    expect(page.get_by_role("row").filter(has_text=number)).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?text=%23c501$"))
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(number)
    timeline = page.get_by_role("listitem")
    expect(timeline.filter(has_text="Delivery from Shopify received, signature verified")).to_be_visible()
    expect(timeline.filter(has_text=re.compile(r"Stored after .*by job "))).to_be_visible()
    page.get_by_role("button", name="Processing").click()
    expect(timeline.filter(has_text="New \u2192 Processing")).to_be_visible()
    assert read_status(shop, order_id) == "processing"
    expect(page.get_by_role("button", name="Packed")).to_be_visible()


def test_two_operators_at_one_order(shop: Shop, enter: Enter) -> None:
    order_id = make_order(shop, "clash-1")
    first, second = enter("operator", f"/orders/{order_id}"), enter("admin", f"/orders/{order_id}")
    expect(second.page.get_by_role("button", name="On hold")).to_be_visible()
    expect(first.page.get_by_role("button", name="Processing")).to_be_visible()
    with first.holding_still():
        second.page.get_by_role("button", name="On hold").click()
        expect(second.page.get_by_role("listitem").filter(has_text="New \u2192 On hold")).to_be_visible()
        with first.page.expect_response(lambda one: one.request.method == "PATCH"):
            first.page.get_by_role("button", name="Processing").click()
    dialog = first.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Somebody changed this order first")
    expect(dialog.get_by_role("row").filter(has_text="Status")).to_contain_text("On hold")
    assert read_status(shop, order_id) == "on_hold"
    dialog.get_by_role("button", name="Set it to processing all the same").click()
    expect(first.page.get_by_role("listitem").filter(has_text="On hold \u2192 Processing")).to_be_visible()
    assert read_status(shop, order_id) == "processing"


def test_many_are_changed_at_once_and_each_has_its_outcome(shop: Shop, enter: Enter) -> None:
    ids = [make_order(shop, f"bulk-{number}") for number in (1, 2, 3)]
    operator = enter("operator", "/orders?text=%23bulk-")
    page = operator.page
    expect(page.get_by_role("row").filter(has_text="#bulk-")).to_have_count(3)
    with operator.holding_still():
        run_sql(shop.postgres.url, "UPDATE orders SET revision = revision + 1 WHERE id = %s", (ids[1],))
        page.get_by_role("region", name="List of orders").focus()
        for _ in ids:
            page.keyboard.press("j")
            page.keyboard.press("x")
        expect(page.get_by_role("toolbar")).to_contain_text("3 selected")
        page.keyboard.press("s")
        with page.expect_response(lambda one: one.request.method == "POST"):
            page.get_by_role("menuitem", name="Processing").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 of 3 changed to processing")
    expect(dialog.get_by_role("row").filter(has_text="#bulk-2")).to_contain_text("changed meanwhile")
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("toolbar")).to_contain_text("1 selected")
    assert [read_status(shop, one) for one in ids] == ["processing", "new", "processing"]


def test_a_list_is_exported_as_it_is_filtered(shop: Shop, enter: Enter) -> None:
    make_order(shop, "csv-1", customer_name="=1+1")
    make_order(shop, "other-1")
    viewer = enter("viewer", "/orders?text=%23csv-")
    expect(viewer.page.get_by_role("row").filter(has_text="#csv-1")).to_be_visible()
    with viewer.page.expect_download() as download:
        viewer.page.get_by_role("link", name="CSV", exact=True).click()
    text = Path(download.value.path()).read_text("utf-8")
    assert "#csv-1" in text
    assert "#other-1" not in text
    assert ",=1+1" not in text, "a spreadsheet would run it"


def test_a_quarantined_delivery_is_replayed(shop: Shop, enter: Enter) -> None:
    payload = json.loads(PAYLOAD.read_text("utf-8")) | {"id": 7_900_001, "name": "#Q1"}
    insert_delivery(
        shop.postgres.url, "quarantined-1", payload=json.dumps(payload), error="PayloadError: told by a test"
    )
    operator = enter("operator", "/quarantine")
    page = operator.page
    one = page.get_by_role("listitem").filter(has_text="told by a test")
    one.get_by_role("button", name="told by a test").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("quarantined-1")
    expect(dialog.get_by_role("button", name="Show payload")).to_have_count(0)
    dialog.get_by_role("button", name="Replay").click()
    expect(one).to_have_count(0)
    wait_stored(shop, "#Q1")


def test_giving_up_asks_first_and_admins_see_the_payload(shop: Shop, enter: Enter) -> None:
    inbox_id = insert_delivery(
        shop.postgres.url,
        "discard-1",
        error="PayloadError: to be discarded",
        payload='{"big": 12345678901234567890.10}',
    )
    admin = enter("admin", "/quarantine")
    page = admin.page
    one = page.get_by_role("listitem").filter(has_text="to be discarded")
    one.get_by_role("button", name="to be discarded").click()
    page.get_by_role("button", name="Show payload").click()
    expect(page.get_by_role("region", name="Payload")).to_contain_text("12345678901234567890.10")
    page.get_by_role("dialog").get_by_role("button", name="Discard", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("cannot be undone")
    page.get_by_role("button", name="Give it up").click()
    expect(page.get_by_role("dialog")).to_have_count(0)  # what a dialog covers counts as absent
    expect(one).to_have_count(0)
    assert run_sql(shop.postgres.url, "SELECT state FROM inbox WHERE id = %s", (inbox_id,)) == [("discarded",)]


def test_an_ended_session_is_logged_into_over_the_page(shop: Shop, enter: Enter) -> None:
    order_id = make_order(shop, "expiry-1")
    operator = enter("operator", f"/orders/{order_id}")
    page = operator.page
    expect(page.get_by_role("button", name="On hold")).to_be_visible()
    with operator.holding_still():  # so that it is the change that finds it out
        empty_redis(shop.redis)
        page.get_by_role("button", name="On hold").click()
        dialog = page.get_by_role("dialog").filter(has_text="Your session has ended")
        expect(dialog).to_be_visible()
    assert read_status(shop, order_id) == "new"
    expect(page).to_have_url(re.compile(rf"/console/orders/{order_id}$"))
    dialog.get_by_label("Password").fill("a-password-of-tests-operator")
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="On hold").click()
    expect(page.get_by_role("listitem").filter(has_text="New \u2192 On hold")).to_be_visible()


def test_roles_and_csrf_are_refused(shop: Shop, enter: Enter) -> None:
    order_id = make_order(shop, "refused-1")
    viewer = enter("viewer", f"/orders/{order_id}")
    expect(viewer.page.get_by_text("Operators may change the status.")).to_be_visible()
    expect(viewer.page.get_by_role("link", name="Audit")).to_have_count(0)
    operator = enter("operator", f"/orders/{order_id}")
    change = ("PATCH", f"/orders/{order_id}/status", {"If-Match": '"1"'}, {"status": "processing"})
    assert operator.call(*change) == 403, "a session's change needs its CSRF token"
    tokens = {
        name: person.page.evaluate("async () => (await (await fetch('/session')).json()).csrf")
        for name, person in (("viewer", viewer), ("operator", operator))
    }
    method, path, headers, body = change
    assert viewer.call(method, path, headers | {"X-CSRF-Token": tokens["viewer"]}, body) == 403
    assert operator.call(method, path, headers | {"X-CSRF-Token": tokens["viewer"]}, body) == 403
    assert read_status(shop, order_id) == "new"
    assert operator.call(method, path, headers | {"X-CSRF-Token": tokens["operator"]}, body) == 200


def test_redis_stops_while_somebody_works(shop: Shop, enter: Enter) -> None:
    make_order(shop, "redis-1")
    viewer = enter("viewer", "/orders?text=%23redis-")
    page = viewer.page
    expect(page.get_by_role("row").filter(has_text="#redis-1")).to_be_visible()
    shop.redis.kill9()
    try:
        expect(page.get_by_role("status").get_by_text("Trying again by itself")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="#redis-1")).to_be_visible()
    finally:
        shop.redis.start()
    # Sessions may be gone with Redis; then the page asks for a login, and nothing else is lost.
    again = page.get_by_role("dialog").filter(has_text="Your session has ended")
    quiet = page.get_by_role("status").get_by_text("Trying again by itself")
    expect(again.or_(page.get_by_role("row").filter(has_text="#redis-1")).first).to_be_visible()
    expect(quiet).to_have_count(0)
    if viewer.call("GET", "/session") == 401:
        expect(again).to_be_visible()
        viewer.page.get_by_label("Password").fill("a-password-of-tests-viewer")
        again.get_by_role("button", name="Log in").click()
        expect(again).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_have_value("#redis-")
    expect(page.get_by_role("row").filter(has_text="#redis-1")).to_be_visible()


def test_the_api_restarts_under_the_page(shop: Shop, enter: Enter) -> None:
    order_id = make_order(shop, "restart-1")
    operator = enter("operator", "/orders?text=%23restart-")
    page = operator.page
    expect(page.get_by_role("row").filter(has_text="#restart-1")).to_be_visible()
    page.get_by_role("checkbox", name="Select order #restart-1").click()
    shop.api.stop()
    try:
        expect(page.get_by_role("status").get_by_text("Trying again by itself")).to_be_visible()
    finally:
        shop.api.start()
        shop.api.wait_ready()
    expect(page.get_by_role("status").get_by_text("Trying again by itself")).to_have_count(0)
    expect(page.get_by_role("toolbar")).to_contain_text("1 selected")
    page.get_by_role("button", name="Change status").click()
    page.get_by_role("menuitem", name="On hold").click()
    expect(page.get_by_role("row").filter(has_text="#restart-1")).to_contain_text("On hold")
    assert read_status(shop, order_id) == "on_hold"


SCRIPT = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def test_what_customers_write_is_text(shop: Shop, enter: Enter) -> None:
    order_id = make_order(
        shop,
        "script-1",
        customer_name=SCRIPT,
        customer_email=SCRIPT,
        customer_phone=SCRIPT,
        note=SCRIPT,
        shipping_address=json.dumps({"name": SCRIPT, "line1": SCRIPT, "city": SCRIPT}),
    )
    admin = enter("admin", "/orders?text=%23script-")
    expect(admin.page.get_by_role("row").filter(has_text="onerror")).to_be_visible()
    admin.open(f"/orders/{order_id}")
    expect(admin.page.get_by_text(SCRIPT).first).to_be_visible()
    assert "owned" not in admin.page.title()
    assert admin.page.locator("#content img, #content script").count() == 0


FRAME_MS = 16.7  # of a screen at 60 Hz
TIMES_OF_KEYS = """async () => {
  const times = [];
  for (let at = 0; at < 30; at++) {
    const started = performance.now();
    window.dispatchEvent(new KeyboardEvent('keydown', { key: at % 3 === 2 ? 'x' : 'j', bubbles: true }));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - started);
  }
  return times;
}"""  # milliseconds until what a key changed is painted


def test_five_hundred_rows_answer_keys_at_once(shop: Shop, enter: Enter) -> None:
    run_sql(
        shop.postgres.url,
        "INSERT INTO orders (channel, external_id, number, channel_status, channel_version, channel_rank,"
        " channel_delivery, placed_at, currency, total, customer_name) SELECT 'standard', 'many-' || n, '#many-' || n,"
        " 'paid', now(), 30, 'd', now() - n * interval '1 minute', 'EUR', n, 'Ada Sample'"
        " FROM generate_series(1, 600) AS n",
    )
    operator = enter("operator", "/orders?channel=standard")
    page = operator.page
    loaded = page.get_by_text(re.compile(r"^\d+ newest loaded|orders, all of them"))
    expect(loaded).to_be_visible()
    few = median(page.evaluate(TIMES_OF_KEYS))
    for _ in range(20):
        if int(loaded.inner_text().split()[0]) >= 500:
            break
        page.get_by_role("region", name="List of orders").evaluate("one => one.scrollTo(0, one.scrollHeight)")
        page.wait_for_timeout(300)
    assert int(loaded.inner_text().split()[0]) >= 500
    assert page.get_by_role("row").count() < 100, "only the rows that are seen are there"
    page.get_by_role("region", name="List of orders").evaluate("one => one.scrollTo(0, 0)")
    # Beside the first page in the same run, and not in milliseconds: those are the machine's.
    many = median(page.evaluate(TIMES_OF_KEYS))
    assert many < 3 * few + FRAME_MS, (few, many)


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shop: Shop, enter: Enter, width: int, scheme: str) -> None:
    order_id = make_order(shop, f"axe-{width}-{scheme}", customer_name="Ada Sample", customer_email="ada@shop.example")
    insert_delivery(shop.postgres.url, f"axe-{width}-{scheme}")
    person = enter(width=width, scheme=scheme)
    person.open("/login")
    expect(person.page.get_by_label("Email")).to_be_visible()
    found = {"/login": person.find_violations()}
    person.log_in("admin")
    for path, there in (
        ("/orders?text=%23axe-", "#axe-"),
        (f"/orders/{order_id}", "Timeline"),
        ("/channels", "Waiting to be stored"),
        ("/quarantine", "PayloadError"),
        ("/operations", "Queues and workers"),
        ("/audit", "session.login"),
    ):
        person.open(path)
        expect(person.page.get_by_text(there).first).to_be_visible()
        found[path] = person.find_violations()
    if width > 600:
        person.page.keyboard.press("?")
        expect(person.page.get_by_role("dialog")).to_be_visible()
        person.page.wait_for_timeout(300)
        found["?"] = person.find_violations()
    assert {path: some for path, some in found.items() if some} == {}


def test_without_prometheus_the_page_says_so(enter: Enter) -> None:
    viewer = enter("viewer", "/operations")
    expect(viewer.page.get_by_text("Prometheus does not answer")).to_be_visible()
    expect(viewer.page.get_by_role("row").filter(has_text="ingest")).to_be_visible()
    expect(viewer.page.get_by_text(re.compile("^live, "))).to_be_visible()


def test_snapshots_that_stop_are_called_stale(shop: Shop, enter: Enter) -> None:
    viewer = enter("viewer", "/operations")
    expect(viewer.page.get_by_text(re.compile("^live, "))).to_be_visible()
    shop.api.stop()
    try:
        expect(viewer.page.get_by_text(re.compile(r"^stale since \d\d:\d\d:\d\d$"))).to_be_visible()
    finally:
        shop.api.start()
        shop.api.wait_ready()
    expect(viewer.page.get_by_text(re.compile("^live, "))).to_be_visible()
    expect(viewer.page.get_by_text(re.compile("stale since"))).to_have_count(0)


def test_logging_out_everywhere_ends_it_at_once(enter: Enter) -> None:
    viewer = enter("viewer")
    expect(viewer.page.get_by_role("row").first).to_be_attached()
    viewer.page.get_by_role("button", name=re.compile("Account of")).click()
    viewer.page.get_by_role("menuitem", name="Log out everywhere").click()
    expect(viewer.page).to_have_url(re.compile("/console/login"))
    viewer.open("/orders")
    expect(viewer.page).to_have_url(re.compile("/console/login"))
