"""Each page as it looks on a demo under a little load, wide and as on a phone, light and dark.

The pictures go to docs/pictures, for people to look at.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import log_in
from tests.console.people import open_person
from tests.running import Stack

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST_PICTURE = 150_000  # bytes
QUALITIES = (80, 65, 50, 35)  # per cent: the first with which a page stays below the size
ORDER = "order"
# A page, its address, and what it shows once it is whole.
PAGES = (
    ("login", "/login", "Email"),
    ("orders", "/orders", "Ada"),
    (ORDER, "", "Timeline"),
    ("channels", "/channels", "Waiting to be stored"),
    ("quarantine", "/quarantine", "created_at is missing"),
    ("operations", "/operations", "The last hour"),
    ("audit", "/audit", "session.login"),
)


def take_picture(page: Page, picture: Path) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)  # the font, and what fades in
    for quality in QUALITIES:
        page.screenshot(path=picture, type="jpeg", quality=quality)
        if picture.stat().st_size < LARGEST_PICTURE:
            break
    assert picture.stat().st_size < LARGEST_PICTURE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_seen(stack: Stack, browser: Browser, password: str, width: int, scheme: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    with open_person(browser, f"http://127.0.0.1:{stack.port}", width=width, scheme=scheme) as person:
        page = person.page
        person.open("/login")
        for name, path, there in PAGES:
            if name == "orders":
                log_in(person, password)
            elif name == ORDER:
                page.get_by_role("row").get_by_role("link").nth(2).click()
            elif name != "login":
                person.open(path)
            expect(page.get_by_text(there).filter(visible=True).first).to_be_visible()
            if name == "operations":
                expect(page.locator("figure").first).to_be_attached()
            overflow = page.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow <= 0, f"{name} is {overflow} px wider than the screen"
            take_picture(page, PICTURES / f"console-{name}-{width}-{scheme}.jpg")
            assert person.find_violations() == [], name
