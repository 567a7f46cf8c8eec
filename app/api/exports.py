"""GET /orders.csv: all orders of a filter, page by page, never all of them in memory."""

from __future__ import annotations

import csv
import errno
import io
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import gevent
from flask import Flask, Response, stream_with_context
from gevent.lock import BoundedSemaphore

from app.api.audit import record
from app.api.auth import may_go_on
from app.api.policy import add_route
from app.api.reading import Reader, current_reader
from app.api.schemas import OrderFilterQuery
from app.api.services import services
from app.errors import Overloaded, Unauthorized, Unavailable
from app.store.order_reads import OrderFilter, PageKey, Row, list_orders
from app.store.pool import Pool

log = logging.getLogger(__name__)

PAGE = 1000  # rows of one statement
AT_ONCE = 2  # exports of one process
COLUMNS = (
    *("id", "channel", "external_id", "number", "status", "progress", "channel_status", "placed_at", "currency"),
    *("total", "customer_name", "customer_email", "revision", "created_at", "updated_at"),
)
# What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection), also in full width.
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
_PLACES = BoundedSemaphore(AT_ONCE)


class _Place:
    """One of the exports of this process. Raises Overloaded when there is none."""

    def __init__(self) -> None:
        self._taken = _PLACES.acquire(blocking=False)
        if not self._taken:
            raise Overloaded(f"{AT_ONCE} exports are on their way already; try again when one is done")

    def release(self) -> None:
        """Once, however often it is called."""
        if self._taken:
            self._taken = False
            _PLACES.release()


def register(app: Flask) -> None:
    add_route(
        app,
        "/orders.csv",
        get_orders_csv,
        policy="viewer",
        tag="orders",
        summary="All orders of a filter as CSV, newest first; text that looks like a formula begins with an apostrophe",
        query=OrderFilterQuery,
        answers={200: "text/csv"},
        answer_headers={"Content-Disposition": "A name for the file."},
    )


def get_orders_csv(query: OrderFilterQuery) -> Response:
    """Raises Overloaded when others export, and what the first page raises; later the download breaks off."""
    deadline = time.monotonic() + services().config.export_timeout_s
    wanted = OrderFilter(**query.model_dump())
    place = _Place()
    try:
        reader = current_reader()
        first = reader.read(partial(_read_page, wanted, None))
        # Which filters, and of the search that it was one: what was searched for may be a customer's name.
        shown = query.model_dump(mode="json", exclude_none=True, exclude={"text"})
        record("orders.export", "orders", "started", **shown, text=query.text is not None)
    except BaseException:
        place.release()
        raise
    pages = _write_pages(reader, wanted, first, deadline, place)
    response = Response(stream_with_context(pages), content_type="text/csv; charset=utf-8")
    response.call_on_close(place.release)  # also when nobody read to the end
    name = f"orders-{datetime.now(UTC):%Y-%m-%d-%H%M}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _write_pages(
    reader: Reader, wanted: OrderFilter, page: list[Row], deadline: float, place: _Place
) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")  # without it spreadsheets take UTF-8 for something else
    writer.writerow(COLUMNS)
    rows = 0
    while True:
        writer.writerows([_write_cell(row[name]) for name in COLUMNS] for row in page)
        rows += len(page)
        yield text.getvalue().encode()
        if len(page) < PAGE:
            break
        text.seek(0)
        text.truncate()
        last = page[-1]
        gevent.sleep(0)  # a fast reader must not keep the event loop from everybody else
        try:
            if time.monotonic() > deadline:
                raise Overloaded("the export took too long")
            if not may_go_on():
                raise Unauthorized("who asked for it may not read it any more")
            page = reader.read(partial(_read_page, wanted, PageKey(last["placed_at"], last["id"])))
        except (Unavailable, Unauthorized) as error:
            log.warning("export_broken_off", extra={"rows": rows, "reason": error.reason})
            # The server closes the connection without the end of the body: a reader sees that something is missing.
            raise BrokenPipeError(errno.EPIPE, "export broken off") from error
    place.release()
    log.info("orders_exported", extra={"rows": rows})


def _read_page(wanted: OrderFilter, after: PageKey | None, pool: Pool) -> list[Row]:
    return list_orders(pool, wanted, after=after, limit=PAGE)


def _write_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
