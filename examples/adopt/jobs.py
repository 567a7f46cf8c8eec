"""The jobs of the shop's queue."""

import os
import signal
import time


def send_mail(basket: int) -> int:
    time.sleep(0.01)
    return basket


def die() -> None:
    """What an out-of-memory kill does to a work horse."""
    os.kill(os.getpid(), signal.SIGKILL)
