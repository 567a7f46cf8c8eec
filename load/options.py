"""The options that the load adds to Locust's own."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial
from math import isfinite

from load.judgement import Thresholds


def read_ratio(text: str) -> float:
    ratio = read_amount(text)
    if ratio > 1:
        raise ArgumentTypeError(f"{text} is no ratio; it must be 0 to 1, such as 0.01")
    return ratio


def read_amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if amount < 0 or not isfinite(amount):
        raise ArgumentTypeError(f"{text!r} is no number of 0 or more")
    return amount


def add_options(parser: ArgumentParser) -> None:
    """Add the options to Locust's parser. None of them is shown in the web UI: they are set for the whole process."""
    add = partial(parser.add_argument, include_in_web_ui=False)
    add("--shape", choices=("steady", "peak"), default="steady", help="peak: rise, plateau of --users, spike, fall")
    add("--seed", type=int, help="what the payloads are made of; default: another one each time")
    add("--allow-host", metavar="NAME", help="a host that may be loaded although it is not this machine")
    add("--token-file", metavar="FILE", help="API token of the operator; default: the local stack's")
    add("--push", action="store_true", help="let the operator also choose statuses that channels are told of")
    add("--stored-within", type=read_amount, metavar="SECONDS", help="look in the database that all accepted is stored")
    add("--forged", type=read_ratio, default=0.01, metavar="RATIO", help="deliveries with a wrong signature (0.01)")
    add("--metrics-port", type=int, metavar="PORT", help="serve what is seen to Prometheus on this port; 0: a free one")
    add("--max-failure-ratio", type=read_ratio, default=0.01, metavar="RATIO", help="of all requests (0.01)")
    add("--max-accept-p99-ms", type=read_amount, default=500.0, metavar="MS", help="of webhooks (500)")
    add("--max-list-p95-ms", type=read_amount, default=500.0, metavar="MS", help="of the operator's lists (500)")


def read_thresholds(options: Namespace) -> Thresholds:
    return Thresholds(options.max_failure_ratio, options.max_accept_p99_ms, options.max_list_p95_ms)
