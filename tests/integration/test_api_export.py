"""Orders as CSV: all of them, in pages, as text that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
import requests

from app.store.tokens import create_token, revoke_token
from tests.api_console import Console, insert_order, run_console, run_sql
from tests.integration.conftest import StartService

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1")


@pytest.fixture
def console(database_url: str, redis_url: str) -> Iterator[Console]:
    with run_console(database_url, redis_url) as running:
        yield running


def read_csv(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def insert_many(database_url: str, number: int) -> None:
    run_sql(
        database_url,
        "INSERT INTO orders (channel, external_id, number, channel_status, channel_version, channel_rank,"
        " channel_delivery, placed_at, currency, total) SELECT 'shopify', n::text, '#' || n, 'paid', now(), 30, 'd',"
        " now() - n * interval '1 minute', 'EUR', -n FROM generate_series(1, %s) AS n",
        (number,),
    )


def test_every_order_is_there_once_over_all_pages(console: Console, database_url: str) -> None:
    insert_many(database_url, 2500)
    answer = console.get("/orders.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="orders-')
    rows = read_csv(answer.data)
    assert [row["external_id"] for row in rows] == [str(number) for number in range(1, 2501)]
    assert rows[0]["total"] == "-1"  # a number is no formula
    assert rows[0]["placed_at"].endswith("Z")


def test_filters_are_those_of_the_list(console: Console, database_url: str) -> None:
    insert_order(database_url, "a", channel="woocommerce")
    insert_order(database_url, "b", customer_name="Jane Sample")
    assert [row["external_id"] for row in read_csv(console.get("/orders.csv?channel=woocommerce").data)] == ["a"]
    assert [row["external_id"] for row in read_csv(console.get("/orders.csv?text=jane").data)] == ["b"]
    assert console.get("/orders.csv?limit=5").status_code == 400
    records = run_sql(database_url, "SELECT action, detail FROM audit_log ORDER BY id")
    assert records == [
        ("orders.export", {"channel": "woocommerce", "text": False}),
        ("orders.export", {"text": True}),
    ]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_of_a_customer_is_text(console: Console, database_url: str, formula: str) -> None:
    insert_order(database_url, "f", customer_name=f'{formula}"x,\n<script>', customer_email="plain@shop.example")
    (row,) = read_csv(console.get("/orders.csv").data)
    assert row["customer_name"] == f"'{formula}\"x,\n<script>"
    assert row["customer_email"] == "plain@shop.example"


def test_an_export_ends_when_who_asked_for_it_may_read_no_more(console: Console, database_url: str) -> None:
    insert_many(database_url, 2500)
    token = create_token(console.services.pool, "leaver", "viewer")
    headers = {"Authorization": f"Bearer {token}"}
    pages = console.client().get("/orders.csv", headers=headers).iter_encoded()
    assert next(pages)
    revoke_token(console.services.pool, "leaver")
    with pytest.raises(BrokenPipeError):
        list(pages)
    assert console.get("/orders.csv").status_code == 200  # its place came back


def test_only_so_many_at_once_and_a_place_comes_back(console: Console, database_url: str) -> None:
    insert_many(database_url, 1500)
    headers = {"Authorization": f"Bearer {console.tokens['viewer']}"}
    waiting = [console.client().get("/orders.csv", headers=headers) for _ in range(2)]  # not read yet
    refused = console.get("/orders.csv")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    for one in waiting:
        one.close()
    assert console.get("/orders.csv").status_code == 200


def test_an_export_that_takes_too_long_is_broken_off_so_that_its_reader_sees_it(
    start_service: StartService, database_url: str, redis_url: str
) -> None:
    from tests.integration.conftest import open_pool

    insert_many(database_url, 60_000)
    pool = open_pool(database_url, size=1)
    token = create_token(pool, "export", "viewer")
    pool.close()
    service = start_service(database_url, redis_url, export_timeout_s="1")
    service.add_api()
    service.wait_ready()
    url = f"http://127.0.0.1:{service.processes[0].port}/orders.csv"
    with requests.get(url, headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=30) as answer:
        assert answer.status_code == 200
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in answer.iter_content(4096):
                pass
