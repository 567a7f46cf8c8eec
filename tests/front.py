"""HAProxy with our configuration, before whatever listens on a layout's ports."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stack.binaries import find_program
from stack.frontdoor import write_haproxy
from stack.layout import Layout
from stack.pages import fetch_page
from stack.processes import wait_until


@contextmanager
def open_front(layout: Layout, accept: Sequence[str], console: Sequence[str]) -> Iterator[str]:
    """The address of the front door; `accept` and `console` name the instances behind it."""
    program = find_program("haproxy")
    assert program, "haproxy is not installed: make tools"
    config = write_haproxy(layout, list(accept), list(console))
    with subprocess.Popen([program, "-db", "-f", config], stdout=subprocess.DEVNULL) as process:
        try:
            assert wait_until(lambda: fetch_page(f"{layout.base_url}/", 1) is not None, 10)
            yield layout.base_url
        finally:
            process.terminate()
