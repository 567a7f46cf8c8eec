"""Every process of gunicorn has its own counts and its own pool, and so its own metrics port: the first, the next, ...

gunicorn reads this file where it starts (`gunicorn --workers=2 shop:shop`). `start_http_server` in shop.py would do for
one process; the second would find the port taken.
"""

import errno
import os
import threading
import time

from prometheus_client import start_http_server

FIRST_PORT = int(os.environ["SHOP_METRICS_PORT"])
DEADLINE_S = 60  # longer than gunicorn's graceful_timeout: on a reload the old process still has the port


def post_fork(server, worker):
    threading.Thread(target=serve_metrics, args=(server.num_workers, worker.log), daemon=True).start()


def serve_metrics(processes, log):
    """Take the first port that no other process has; wait for one that is about to end."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for port in range(FIRST_PORT, FIRST_PORT + processes):
            try:
                start_http_server(port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return
        time.sleep(0.5)
    log.error("no metrics port is free from %s to %s", FIRST_PORT, FIRST_PORT + processes - 1)
