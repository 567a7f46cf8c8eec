"""Clients and processes of a drill's own, which end with the drill."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import psycopg2
import redis

from app.errors import PalmonasError
from drills.stand import Stand

JOIN_DEADLINE_S = 30.0
END_DEADLINE_S = 60.0  # the kernel takes its time to give back a machine's memory
# What a client of a broken service meets; anything else is a mistake of the drill and ends its thread loudly.
EXPECTED = (OSError, psycopg2.Error, redis.RedisError, PalmonasError)


def repeat(stand: Stand, action: Callable[[], object], *, threads: int = 1, pause_s: float = 0.1) -> None:
    """Do `action` over and over, in so many threads, until the drill is undone."""
    ending = threading.Event()

    def run() -> None:
        while not ending.is_set():
            try:
                action()
            except EXPECTED:
                ending.wait(0.2)
            ending.wait(pause_s)

    def end() -> None:
        ending.set()
        for thread in started:
            thread.join(JOIN_DEADLINE_S)

    started = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    stand.undo.callback(end)
    for thread in started:
        thread.start()


def run_once(stand: Stand, action: Callable[[], object]) -> None:
    """Do `action` in a thread; it must end by itself or with what the drill's undo closes after this."""

    def run() -> None:
        try:
            action()
        except EXPECTED:
            return

    thread = threading.Thread(target=run, daemon=True)
    stand.undo.callback(thread.join, JOIN_DEADLINE_S)
    thread.start()


def run_program(stand: Stand, source: str, longest_s: float) -> None:
    """Run Python `source` in a process of its own until the drill is undone.

    Whatever becomes of the drill, it ends by itself after `longest_s` seconds.
    """
    bounded = f"import signal\nsignal.alarm({round(longest_s)})\n{source}"
    process = subprocess.Popen([sys.executable, "-c", bounded], stdin=subprocess.DEVNULL)
    stand.undo.callback(process.wait, END_DEADLINE_S)
    stand.undo.callback(process.kill)
