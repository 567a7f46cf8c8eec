"""A real fault on a whole stack, as the engineer on call sees it in the console: told, explained, silenced, over."""

from __future__ import annotations

import os
import signal

from playwright.sync_api import Browser, expect

from tests.console.conftest import log_in
from tests.console.people import open_person
from tests.running import Stack

FIRES_MS = 300_000  # 45 s of the alert, 15 s of a scrape, and machines that are slow and busy
CLEARS_MS = 180_000
REASON = "the exporter is stopped by a test"


def test_a_real_alert_fires_is_explained_silenced_and_clears(stack: Stack, browser: Browser, password: str) -> None:
    exporter = stack.read_process("redis-exporter")["pid"]
    with open_person(browser, f"http://127.0.0.1:{stack.port}") as person:
        log_in(person, password)
        person.open("/operations")
        page = person.page
        alert = page.get_by_role("listitem").filter(has_text="RedisAbsent")
        expect(page.get_by_role("heading", name="Queues and workers")).to_be_visible()
        expect(alert).to_have_count(0)
        os.kill(exporter, signal.SIGSTOP)
        try:
            expect(alert.get_by_text("page", exact=True)).to_be_visible(timeout=FIRES_MS)
            expect(alert).to_contain_text("Nothing is heard of Redis.")
            alert.get_by_role("button", name="Runbook").click()
            expect(page.get_by_role("dialog")).to_contain_text("Who is hurt")
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
            alert.get_by_role("button", name="Silence").click()
            page.get_by_label("Reason").fill(REASON)
            page.get_by_role("dialog").get_by_role("button", name="Silence", exact=True).click()
            expect(alert).to_contain_text(REASON)
            expect(alert).to_contain_text("Silenced by")
        finally:
            os.kill(exporter, signal.SIGCONT)
        expect(alert).to_have_count(0, timeout=CLEARS_MS)
