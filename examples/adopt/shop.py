"""A Flask app of another team: one table, one queue, three routes. What it takes from Palmonas is marked."""

import os

import redis
from flask import Flask, jsonify
from prometheus_flask_exporter import PrometheusMetrics
from rq import Queue

from app import telemetry  # from Palmonas: what its modules measure
from app.errors import AnswerableError
from app.queue import connect
from app.store.pool import Pool  # from Palmonas: bounded, with a deadline, measured

telemetry.expose("api", "1.0.0")
pool = Pool(
    os.environ["SHOP_DATABASE_URL"],
    name="postgres",
    size=int(os.environ.get("SHOP_POOL", "4")),
    timeout_s=1.0,
    connect_timeout_s=1.0,
    statement_timeout_s=3.0,
)
client: redis.Redis = connect(os.environ["SHOP_REDIS_URL"], name="redis", size=4, timeout_s=1.0, connect_timeout_s=1.0)
mails = Queue("mails", connection=client)

shop = Flask(__name__)
# by url rule, never by raw path; Prometheus asks on a port of its own, which gunicorn.conf.py opens
PrometheusMetrics(shop, path=None, group_by="url_rule")


@shop.errorhandler(AnswerableError)
def answer_error(error: AnswerableError):
    return jsonify(error=error.detail), error.status


@shop.get("/")
def home():
    with pool.autocommit("home") as cursor:
        cursor.execute("SELECT count(*) FROM baskets")
        return jsonify(baskets=cursor.fetchone()[0])


@shop.post("/baskets")
def add_basket():
    with pool.transaction("add_basket") as cursor:
        cursor.execute("INSERT INTO baskets DEFAULT VALUES RETURNING id")
        basket = cursor.fetchone()[0]
    mails.enqueue("jobs.send_mail", basket)
    return jsonify(id=basket), 201


@shop.get("/slow/<int:seconds>")
def be_slow(seconds: int):
    with pool.autocommit("slow") as cursor:
        cursor.execute("SELECT pg_sleep(least(%s, 2.5))", (seconds,))
    return jsonify(slept=seconds)
