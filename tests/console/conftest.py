"""A service of its own on servers of its own, and Chromium, for the proofs of the console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from stack.console import CONSOLE
from stack.processes import find_free_port
from stack.servers import PostgresServer, RedisServer
from tests.browser import open_browser
from tests.console.people import DEADLINE_MS, Person, make_people, open_person
from tests.running import Stack, make_stack
from tests.servers import migrate, run_postgres, run_redis
from tests.service import Process, Service

UNREADABLE = """{"id": 7770001, "line_items": "none"}"""


@dataclass
class Shop:
    """A running service: one API with the console, a worker, a dispatcher; nothing that watches them."""

    service: Service
    api: Process
    postgres: PostgresServer
    redis: RedisServer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api.port}"


@pytest.fixture(scope="session")
def pages() -> Path:
    """The console's built pages."""
    lines: list[str] = []
    CONSOLE.build(lines.append)
    assert (CONSOLE.built / "index.html").exists(), lines
    return CONSOLE.built


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=DEADLINE_MS)
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with run_postgres() as postgres, run_redis() as redis:
        migrate(postgres.url)
        make_people(postgres.url)
        service = Service(
            postgres.url,
            redis.url,
            tmp_path_factory.mktemp("shop"),
            console_dir=str(pages),
            login_tries_account="1000",
            login_tries_address="1000",
        )
        try:
            api = service.add_api(port=str(find_free_port()))
            service.add_worker("ingest")
            service.add("dispatcher", "dispatcher")
            service.wait_ready()
            yield Shop(service, api, postgres, redis)
        finally:
            service.stop()


@pytest.fixture
def enter(shop: Shop, browser: Browser) -> Iterator[Callable[..., Person]]:
    """Open one more window on the console."""
    with ExitStack() as opened:

        def open_one(role: str | None = None, path: str = "/orders", **options: int | str) -> Person:
            person = opened.enter_context(open_person(browser, shop.url, **options))  # type: ignore[arg-type]  # width, scheme
            if role is not None:
                person.log_in(role, path)
            return person

        yield open_one


@pytest.fixture(scope="session")
def stack(pages: Path) -> Iterator[Stack]:
    """A demo with one delivery on its way to quarantine."""
    with make_stack("console") as made:
        made.ensure_demo()
        unreadable = made.state.with_name("unreadable.json")
        unreadable.write_text(UNREADABLE, encoding="ascii")
        sent = made.run("send", "shopify", str(unreadable), "--topic", "orders/create")
        assert sent.returncode == 0, sent.stdout + sent.stderr
        yield made


@pytest.fixture(scope="session")
def password(stack: Stack) -> str:
    return (stack.state / "secrets" / "admin.password").read_text("ascii").strip()


def log_in(person: Person, password: str) -> None:
    person.open("/orders")
    person.page.get_by_label("Email").fill("admin@demo.example")
    person.page.get_by_label("Password").fill(password)
    person.page.get_by_role("button", name="Log in").click()
    expect(person.page.get_by_role("row").nth(1)).to_be_attached()
