"""How gunicorn runs one API instance: one process, one event loop (see docs/decisions)."""

from __future__ import annotations

import logging
import math
import os
import socket
import struct
from typing import Any

import gevent
from gunicorn.glogging import Logger

from app import telemetry
from app.config import Config
from app.log import configure, log_uncaught

_config = Config()

bind = f"{_config.listen_host}:{_config.port}"
workers = 1  # scale by instances: one process, one registry of metrics, one pool
worker_class = "app.api.gunicorn_worker.BoundedWorker"
worker_connections = _config.connections_max
backlog = 1024
timeout = 30
graceful_timeout = 10 + math.ceil(_config.leave_s)
control_socket_disable = True
accesslog = None
proc_name = "palmonas-api"
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn's heartbeat off the disk

_TCP_INFO_UNACKED = 24  # offset of tcpi_unacked in struct tcp_info: for a listener, connections not accepted yet


class logger_class(Logger):  # noqa: N801 - the setting's name
    """gunicorn's own lines through our JSON handler."""

    def setup(self, cfg: Any) -> None:
        configure("api", _config.instance_name, _config.log_level)
        self.error_log.propagate = True
        self.error_log.handlers[:] = []
        self.error_log.setLevel(logging.WARNING)
        self.access_log.propagate = False


def post_worker_init(worker: Any) -> None:
    """Watch the listening socket, and stop being ready as soon as a shutdown is asked for."""
    from app.api import server

    # gevent prints what ends a greenlet; SystemExit and KeyboardInterrupt it handles before
    gevent.get_hub().print_exception = _log_greenlet_error  # type: ignore[method-assign]  # no other way
    listener: socket.socket = worker.sockets[0]
    telemetry.LISTEN_BACKLOG.set_function(lambda: count_backlog(listener))
    server.READINESS.watch(lambda: "draining" if worker.leaving or not worker.alive else None)


def _log_greenlet_error(context: Any, t: Any, v: Any, tb: Any) -> None:
    """Without the context, which may be a request. The names are gevent's."""
    log_uncaught("greenlet", (t, v, tb))


def count_backlog(listener: socket.socket) -> int:
    """Connections that wait in the kernel for this listener (Linux)."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int(struct.unpack_from("I", info, _TCP_INFO_UNACKED)[0])
