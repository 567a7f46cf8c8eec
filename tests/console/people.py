"""People at the console, each in a browser of their own, and what their browsers complain of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from app.passwords import hash_password
from app.store.pool import Pool
from app.store.users import create_user

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
DEADLINE_MS = 30_000  # of one step; CI's machines are slow and busy
# What a browser says of answers that are part of the test: nobody logged in, nobody answers.
EXPECTED = ("Failed to load resource", "ERR_CONNECTION_REFUSED", "ERR_NETWORK_CHANGED")


def make_password(role: str) -> str:
    return f"a-password-of-tests-{role}"


def make_people(database_url: str) -> None:
    """One user of each role: `<role>@shop.example`."""
    pool = Pool(database_url, name="people", size=1, timeout_s=5, connect_timeout_s=5, statement_timeout_s=5)
    try:
        for role in ("viewer", "operator", "admin"):
            create_user(pool, f"{role}@shop.example", role, hash_password(make_password(role)), "tests-people-0001")
    finally:
        pool.close()


@dataclass
class Person:
    """A browser window on the console at `base_url`."""

    page: Page
    base_url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base_url}/console{path}")

    def fill_in(self, role: str, password: str | None = None) -> None:
        """The form that asks to log in, on the page or over it."""
        self.page.get_by_label("Email").fill(f"{role}@shop.example")
        self.page.get_by_label("Password").fill(make_password(role) if password is None else password)
        self.page.get_by_role("button", name="Log in").click()

    def log_in(self, role: str, path: str = "/orders") -> None:
        self.open(path)
        self.fill_in(role)
        expect(self.page.get_by_role("navigation").first).to_be_attached()

    @contextmanager
    def holding_still(self) -> Iterator[None]:
        """While the block runs, what the page asks for by itself fails, so that it stays as it was read, however slow
        the machine is. What it writes goes through."""
        every = "**/*"
        self.page.route(every, lambda one: one.abort() if one.request.method == "GET" else one.continue_())
        try:
            yield
        finally:
            self.page.unroute(every)

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> int:
        """The status of a request that a script of this very page makes."""
        status: int = self.page.evaluate(
            """async ([method, path, headers, body]) => (await fetch(path, {
               method, body: body && JSON.stringify(body), headers: {'Content-Type': 'application/json', ...headers},
            })).status""",
            [method, path, headers or {}, body],
        )
        return status

    def find_violations(self) -> list[str]:
        """What axe finds wrong with the page as it is now. Evaluated from outside: the page's policy stays as it is."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(
            """async () => (await axe.run()).violations.map(one =>
               `${one.id}: ${one.help} (${one.nodes.map(node => node.target.join(' ')).slice(0, 3).join('; ')})`)"""
        )
        return found


@contextmanager
def open_person(browser: Browser, base_url: str, *, width: int = 1440, scheme: str = "light") -> Iterator[Person]:
    """A window of that width. What its browser complains of fails the test when it is left."""
    height = 900 if width > 600 else 844
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="UTC",
        accept_downloads=True,
    )
    context.set_default_timeout(DEADLINE_MS)
    try:
        person = Person(context.new_page(), base_url)

        def hear(message: ConsoleMessage) -> None:
            # Violations of the content policy come here, too.
            if message.type == "error" and not any(one in message.text for one in EXPECTED):
                person.complaints.append(message.text[:300])

        person.page.on("console", hear)
        person.page.on("pageerror", lambda error: person.complaints.append(f"script: {str(error)[:300]}"))
        yield person
        assert person.complaints == []
    finally:
        context.close()
