"""Load as sales channels and operators make it, beside a running `palmonas up`: docs/load.md.

locust --headless --users 5 --run-time 60s --tags channels
"""

from __future__ import annotations

import sys
import time
from typing import Any

from locust import LoadTestShape, events
from locust.env import Environment
from locust.user.task import filter_tasks_by_tags

from app.errors import PalmonasError, UsageError
from cli.connect import open_store
from dashboards.events import tell_event
from load.curve import SPIKE, count_users
from load.journal import describe
from load.judgement import Measured, Stored, Times, judge
from load.metrics import start_metrics
from load.options import add_options, read_thresholds
from load.shops import Shop
from load.stored import wait_stored
from load.target import check_answers, find_target, read_secrets, read_token
from load.users import ACCEPT, LIST, Operator, SalesChannel, run

PEAK_S = 60.0  # of a peak without --run-time
DISTRIBUTED = {"--processes", "--master", "--worker"}


class Peak(LoadTestShape):
    """--shape peak: over --run-time, with --users on the plateau."""

    abstract = True  # so that Locust does not choose it by itself
    use_common_options = True

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self.options = environment.parsed_options

    def tick(self) -> tuple[int, float] | None:
        plateau = self.options.num_users or 1
        users = count_users(self.get_run_time(), self.options.run_time or PEAK_S, plateau)
        return None if users is None else (users, plateau * SPIKE)


@events.init_command_line_parser.add_listener
def extend_parser(parser: Any, **_: Any) -> None:
    # here, because Locust's processes would be started and wait for each other before `init`
    if distributed := DISTRIBUTED & {one.partition("=")[0] for one in sys.argv}:
        sys.exit(f"load: one process alone knows what it sent; leave out {', '.join(sorted(distributed))}")
    add_options(parser)


@events.init.add_listener
def start(environment: Environment, **_: Any) -> None:
    try:
        prepare(environment)
    except PalmonasError as error:
        sys.exit(f"load: {error}")


def prepare(environment: Environment) -> None:
    """Choose the users by tag; find target, secrets and token. Raises UsageError and ConfigError."""
    options = environment.parsed_options
    environment.host = find_target(environment.host, options.allow_host)
    run.secrets = read_secrets()
    SalesChannel.tasks = [one for one in SalesChannel.tasks if one.locust_tag_set & run.secrets.keys()]
    for users in environment.user_classes:
        filter_tasks_by_tags(users, set(options.tags or ()) or None, set(options.exclude_tags or ()) or None)
    environment.user_classes = [users for users in environment.user_classes if users.tasks]
    if not environment.user_classes:
        raise UsageError(
            "no user has these tags; there are channels, operator, browse, change, " + ", ".join(run.secrets)
        )
    if Operator in environment.user_classes:
        run.token = read_token(options.token_file)
    options.seed = time.time_ns() if options.seed is None else options.seed
    run.shops = {name: Shop(name, options.seed) for name in run.secrets}
    if options.shape == "peak":
        environment.shape_class = Peak(environment)
    if options.headless:
        check_answers(environment.host)
    if options.metrics_port is not None:
        endpoint = start_metrics(environment, run.journal, options.metrics_port)
        environment.events.quit.add_listener(lambda **_: endpoint.stop())


@events.test_start.add_listener
def begin(**_: Any) -> None:
    run.journal.clear()
    run.began = time.time()


@events.test_stop.add_listener
def tell(environment: Environment, **_: Any) -> None:
    if not environment.parsed_options.headless:  # in the web UI after each run
        print(*finish(environment), sep="\n", flush=True)


@events.quitting.add_listener
def end(environment: Environment, **_: Any) -> None:
    if environment.parsed_options.headless:
        lines = finish(environment)
        # Locust prints its tables after this, and its quit event last
        events.quit.add_listener(lambda **_: print(*lines, sep="\n", flush=True))


def finish(environment: Environment) -> list[str]:
    """Look at what was stored, judge the run, set the exit code, tell Grafana; return the summary."""
    options, stats, ended = environment.parsed_options, environment.stats, time.time()
    stored, unseen = look_for_stored(options.stored_within)
    measured = Measured(
        requests=stats.total.num_requests,
        failures=stats.total.num_failures,
        crashes=sum(one["count"] for one in environment.runner.exceptions.values()) if environment.runner else 0,
        accept=merge_times(environment, ACCEPT),
        lists=merge_times(environment, LIST),
        has_operator=Operator in environment.user_classes,
        has_channels=SalesChannel in environment.user_classes,
        stored=stored,
    )
    missed = judge(measured, read_thresholds(options)) + unseen
    environment.process_exit_code = 1 if missed else 0
    lines = describe(run.journal, measured, missed, options.seed)
    if run.began:  # it had begun when it ended
        text = f"{options.num_users or 1} users, {options.shape}: {lines[-1].removeprefix('load: ')}"
        tell_event("load-test", text, run.began, ended, say=lambda line: lines.insert(-1, line))
    return lines


def merge_times(environment: Environment, beginning: str) -> Times:
    entries = environment.stats.entries.values()
    return Times.merge(entry.response_times for entry in entries if entry.name.startswith(beginning))


def look_for_stored(deadline_s: float | None) -> tuple[Stored | None, list[str]]:
    """What became of the accepted deliveries, and why that cannot be told."""
    if not deadline_s:
        return None, []
    try:
        with open_store() as pool:
            return wait_stored(pool, run.journal.accepted, deadline_s), []
    except PalmonasError as error:
        return None, [f"could not look for what was accepted: {error}"]
