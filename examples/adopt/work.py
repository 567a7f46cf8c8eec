"""The shop's worker, forking for every job, and the exporter of its queue, on one metrics port each."""

import os
import sys
import threading

from prometheus_client import REGISTRY, start_http_server
from rq import Queue

from app import telemetry
from app.queue import connect
from worker.forking_worker import ForkingWorker  # from Palmonas: RQ's worker, measured in the parent
from worker.rq_collector import RqCollector  # from Palmonas: queues and workers, read from Redis

client = connect(os.environ["SHOP_REDIS_URL"], name="redis-rq", size=4, timeout_s=1.0, connect_timeout_s=1.0)

if sys.argv[1:] == ["export"]:
    telemetry.expose("exporter", "1.0.0")
    REGISTRY.register(RqCollector(client, ["mails"]))
    start_http_server(int(os.environ["SHOP_METRICS_PORT"]))
    threading.Event().wait()

telemetry.expose("worker", "1.0.0")
start_http_server(int(os.environ["SHOP_METRICS_PORT"]))
ForkingWorker(Queue("mails", connection=client), client).work()
