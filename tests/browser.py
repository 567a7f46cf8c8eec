"""Dashboards in Chromium: what a person would see, and what the browser says of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from stack.binaries import find_program

# No sandbox: it refuses to run as root, and nothing but our own pages is opened.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SETTLED = {"Done", "Error"}
POLL_S = 0.2
# Chromium breaks off what it loads when an address of the machine comes or goes, as those of containers do.
MOVED = "ERR_NETWORK_CHANGED"
LARGEST_PICTURE = 200_000  # bytes
QUALITIES = (55, 45, 35, 25, 18)  # per cent: the first with which a page stays below the size
# Panels by title: what each one's element says of itself (preview/src/page.tsx).
READ_PANELS = """() => [...document.querySelectorAll('[data-panel]')].map(place => {
  const body = place.querySelector('[data-state]');
  const alert = place.querySelector('[data-testid*="Panel status error"], [role="alert"]');
  return {
    title: place.dataset.panel,
    may_be_empty: place.dataset.mayBeEmpty === 'true',
    state: body ? body.dataset.state : 'NotStarted',
    empty: !!place.querySelector('[data-empty]'),
    error: (body && body.dataset.error) || (alert ? alert.textContent || 'error' : ''),
  };
})"""
READ_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class SeenPanel:
    title: str
    may_be_empty: bool
    state: str
    empty: bool
    error: str


@dataclass
class Seen:
    """One dashboard at one width. `first_s`: seconds until its first panel with data was there."""

    panels: list[SeenPanel] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    first_s: float = 0.0
    overflow_px: int = 0

    def list_faults(self) -> list[str]:
        """What a reader of this dashboard could not do anything with."""
        faults = list(self.complaints)
        if not self.panels:
            faults.append("there is no panel")
        if self.overflow_px > 0:
            faults.append(f"it is {self.overflow_px} px wider than the screen")
        for panel in self.panels:
            if panel.error:
                faults.append(f"{panel.title}: {panel.error}")
            elif panel.state not in SETTLED:
                faults.append(f"{panel.title}: still {panel.state}")
            elif panel.empty and not panel.may_be_empty:
                faults.append(f"{panel.title}: no data, and the panel does not say that this may be")
        return faults


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's Chromium. Raises RuntimeError when there is none."""
    program = find_program("chromium")
    if program is None:
        raise RuntimeError("Chromium is needed for this: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def look_at_dashboard(
    browser: Browser, base_url: str, uid: str, width: int, *, token: str, picture: Path, deadline_s: float = 60
) -> Seen:
    """Open a dashboard as a browser of that width does, let all of it load, and photograph it.

    Once more when the machine's network changed meanwhile. Shows the last 15 minutes, as far back as a test has been.
    """
    address = f"{base_url}/dashboards/{uid}?from=now-15m&to=now"
    seen = _look(browser, address, width, token=token, picture=picture, deadline_s=deadline_s)
    moved = any(MOVED in one for one in seen.complaints)
    return _look(browser, address, width, token=token, picture=picture, deadline_s=deadline_s) if moved else seen


def _look(browser: Browser, address: str, width: int, *, token: str, picture: Path, deadline_s: float) -> Seen:
    height = 900 if width > 600 else 844
    context = browser.new_context(
        viewport={"width": width, "height": height},
        # Unasked: where the console is built, who is not known is led to its login instead of being asked.
        extra_http_headers={"Authorization": f"Bearer {token}"} if token else None,
        color_scheme="dark",
        timezone_id="UTC",
    )
    try:
        page = context.new_page()
        seen = Seen()
        _listen(page, seen)
        started = time.monotonic()
        try:
            page.goto(address, timeout=deadline_s * 1000)
            page.wait_for_selector('[data-filled="true"]', timeout=deadline_s * 1000)
        except Error as error:
            seen.complaints.append(f"{error.message.splitlines()[0]}: {page.inner_text('body')[:200]}")
            return seen
        seen.first_s = time.monotonic() - started
        for button in page.query_selector_all('.row-title[aria-expanded="false"]'):
            button.click()
        seen.panels = _wait_for_panels(page, height, deadline_s)
        seen.overflow_px = page.evaluate(READ_OVERFLOW)
        page.mouse.move(0, 0)
        for quality in QUALITIES:
            page.screenshot(path=picture, full_page=True, type="jpeg", quality=quality)
            if picture.stat().st_size < LARGEST_PICTURE:
                break
        return seen
    finally:
        context.close()


def _listen(page: Page, seen: Seen) -> None:
    def hear(message: ConsoleMessage) -> None:
        # Violations of the page's policy come here, too.
        if message.type == "error":
            seen.complaints.append(f"console: {message.text[:300]} ({message.location.get('url', '')})")

    page.on("console", hear)
    page.on("pageerror", lambda error: seen.complaints.append(f"script: {str(error)[:300]}"))


def _wait_for_panels(page: Page, height: int, deadline_s: float) -> list[SeenPanel]:
    """Scroll through the page until each panel asked and was answered; a panel asks when it comes near the screen."""
    deadline = time.monotonic() + deadline_s
    while True:
        whole = page.evaluate("() => document.documentElement.scrollHeight")
        for top in range(0, whole, height):
            page.evaluate("top => window.scrollTo(0, top)", top)
            page.wait_for_timeout(POLL_S * 1000)
        panels = [SeenPanel(**one) for one in page.evaluate(READ_PANELS)]
        if all(one.state in SETTLED for one in panels) or time.monotonic() > deadline:
            page.evaluate("() => window.scrollTo(0, 0)")
            page.wait_for_timeout(POLL_S * 1000)
            return panels
