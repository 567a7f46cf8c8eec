"""Queues: does work pile up, where, and is somebody doing it."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.inbox import show_inbox
from dashboards.panels import GREEN, RED, YELLOW, graph, heat_map, number, rate, saturation, states
from dashboards.queries import Line, max_of, pick, quantile_of, ratio_of, sum_of, sum_rate

PROCESSED = "rq_jobs_processed_total"
SWEEP = "palmonas_dispatcher_last_sweep_timestamp_seconds"
NO_JOB = "no job has run yet"
NOT_FINISHED = 'status!="finished"'
AGE_LINES = [("job_age_warning", YELLOW), ("job_age_page", RED)]


def _slope(by: str) -> str:
    """Jobs that pile up per second: waiting or running, whatever was already there."""
    unfinished = pick("rq_jobs", 'status=~"queued|started"')
    return f"sum by ({by}) (deriv({unfinished}[$__rate_interval]))"


def _share(outcome: str) -> str:
    return ratio_of(sum_rate(PROCESSED, "queue", f'outcome="{outcome}"'), sum_rate(PROCESSED, "queue"))


def _answer() -> list[Any]:
    failed = pick(PROCESSED, 'outcome="failed"')
    arrived = f"clamp_min({sum_rate(PROCESSED, 'queue')} + on (queue) {_slope('queue')}, 0)"
    return [
        number(
            "Oldest waiting job",
            "Age of the job that waits longest in any queue. Age, not depth: a deep queue that moves is healthy.",
            max_of("rq_queue_oldest_job_age_seconds"),
            "s",
            limits=AGE_LINES,
            alerts=["QueueOldestJobAge"],
        ),
        number(
            "Oldest not stored",
            "Age of the oldest accepted delivery that is not an order yet. The target is 5 s.",
            max_of("palmonas_inbox_oldest_age_seconds"),
            "s",
            limits=[(5, YELLOW), ("inbox_age_page", RED)],
            alerts=["InboxOldestAge"],
        ),
        number(
            "Workers",
            "RQ workers that are registered, in all queues.",
            sum_of("rq_workers"),
            "none",
            alerts=["QueueNoWorker"],
        ),
        number(
            "Jobs failed, in view",
            "Jobs that ended as failed in the time shown. The failed registry itself keeps jobs for a year.",
            f"sum(increase({failed}[$__range]))",
            "none",
            limits=[(1, YELLOW)],
            alerts=["QueueFailures"],
            may_be_empty=NO_JOB,
        ),
        number(
            "Quarantined",
            "Deliveries set aside after their last try; `palmonas quarantine list` shows them.",
            max_of("palmonas_inbox_quarantined"),
            "none",
            limits=[(1, YELLOW)],
        ),
        number(
            "Last sweep",
            "Time since the dispatcher last looked at inbox and outbox with success. It should do so every second.",
            f"time() - {max_of(SWEEP)}",
            "s",
            limits=[("sweep_age_page", RED)],
            alerts=["DispatcherMissing", "DispatcherStalled"],
        ),
        graph(
            "Arrivals against completions",
            "Jobs that came in (what ended plus what piled up) and jobs that ended. Arrivals above "
            "completions: a backlog.",
            [Line(arrived, "{{queue}} arrived"), Line(sum_rate(PROCESSED, "queue"), "{{queue}} ended")],
            "cps",
            may_be_empty=NO_JOB,
        ),
        graph(
            "Oldest waiting job",
            "Age of the job that waits longest in each queue, with the lines that warn and page.",
            [Line(max_of("rq_queue_oldest_job_age_seconds", "queue"), "{{queue}}")],
            "s",
            limits=AGE_LINES,
            alerts=["QueueOldestJobAge"],
        ),
        graph(
            "Inbox and outbox, oldest",
            "Age of what waits longest to be stored (inbox) and to be told to a channel (outbox).",
            [
                Line(max_of("palmonas_inbox_oldest_age_seconds"), "inbox"),
                Line(max_of("palmonas_outbox_oldest_age_seconds"), "outbox"),
            ],
            "s",
            limits=[("inbox_age_page", RED)],
            alerts=["InboxOldestAge"],
        ),
    ]


def _jobs() -> list[Any]:
    waiting = sum_of("rq_jobs", "queue", 'status="queued"')
    return [
        graph(
            "Jobs by status",
            "What the queues and registries hold now, but for finished jobs, which are many. failed keeps what it has "
            "for a year.",
            [Line(f"{sum_of('rq_jobs', 'queue, status', NOT_FINISHED)} > 0", "{{queue}} {{status}}")],
            "short",
            may_be_empty="no queue holds a job",
        ),
        graph(
            "Time to drain",
            "Waiting jobs divided by the rate at which jobs end: how long until the queue is empty if "
            "nothing more comes.",
            [Line(ratio_of(waiting, f"{sum_rate(PROCESSED, 'queue')}"), "{{queue}}")],
            "s",
            may_be_empty="nothing ends, so there is no rate to divide by",
        ),
        rate(
            "Jobs that ended, by outcome",
            "succeeded, failed, retried. Many retried and few succeeded is a retry storm.",
            PROCESSED,
            "outcome",
            alerts=["QueueStuck", "QueueFailures", "JobRetryStorm"],
            may_be_empty=NO_JOB,
        ),
        saturation(
            "Failed for good, of those that ended",
            "A few failed jobs at night are no page; the alert wants a minimum of them, too.",
            [Line(_share("failed"), "{{queue}}")],
            [("job_failures", YELLOW)],
            alerts=["QueueFailures"],
            may_be_empty=NO_JOB,
        ),
        saturation(
            "Retried, of those that ran",
            "Jobs that went back to be tried again. High for long is a retry storm: the same work over and over.",
            [Line(_share("retried"), "{{queue}}")],
            [("job_retries", YELLOW)],
            alerts=["JobRetryStorm"],
            may_be_empty=NO_JOB,
        ),
        graph(
            "Wait in the queue, 99th percentile",
            "How long one job in a hundred waited at least, by queue.",
            [Line(quantile_of(0.99, "rq_job_wait_seconds", "queue"), "{{queue}}")],
            "s",
            may_be_empty=NO_JOB,
        ),
        heat_map(
            "Wait in the queue",
            "How long jobs waited, counted by duration.",
            "rq_job_wait_seconds",
            may_be_empty=NO_JOB,
        ),
        heat_map("Run time", "How long jobs ran, counted by duration.", "rq_job_run_seconds", may_be_empty=NO_JOB),
        graph(
            "Run time by queue, 99th percentile",
            "A drain ends after 5 s by design; longer runs are other kinds of work, or trouble.",
            [Line(quantile_of(0.99, "rq_job_run_seconds", "queue"), "{{queue}}")],
            "s",
            may_be_empty=NO_JOB,
        ),
    ]


def _workers() -> list[Any]:
    busy, all_workers = sum_of("rq_workers", "queue", 'state="busy"'), sum_of("rq_workers", "queue")
    return [
        graph(
            "Workers by state",
            "Registered workers of each queue. A killed one stays registered until its heartbeat expires.",
            [Line(sum_of("rq_workers", "queue, state"), "{{queue}} {{state}}")],
            "short",
            alerts=["QueueNoWorker"],
            many=True,
        ),
        saturation(
            "Busy workers",
            "Share of workers that are at work. 100 % for long, and a rising age: add workers.",
            [Line(ratio_of(busy, all_workers), "{{queue}}")],
            [("workers_busy", YELLOW)],
            alerts=["WorkersBusy"],
            leads_to="palmonas-workers",
        ),
        graph(
            "Stalest heartbeat",
            "Age of the oldest heartbeat among a queue's workers. It rises when a worker is killed or frozen.",
            [Line(max_of("rq_worker_heartbeat_age_seconds", "queue"), "{{queue}}")],
            "s",
            limits=[("heartbeat_age", RED)],
            alerts=["WorkerHeartbeatStale"],
            may_be_empty="a queue without workers",
        ),
        graph(
            "Workers that died",
            "Times the supervisor started a worker again that had died, in the width of a point. Stops on request "
            "do not count.",
            [
                Line(
                    "sum by (process) (increase("
                    + pick("palmonas_process_restarts_total", 'process=~"worker.*"')
                    + "[$__rate_interval]))",
                    "{{process}}",
                )
            ],
            "short",
            alerts=["WorkersKilled"],
            may_be_empty="no supervisor of ours runs, as in containers",
        ),
        graph(
            "Jobs killed under a forking worker",
            "Processes that died under their job, in the width of a point. Our own workers do not fork, and show 0.",
            [
                Line(
                    "sum by (queue) (increase(" + pick("rq_work_horses_killed_total") + "[$__rate_interval]))",
                    "{{queue}}",
                )
            ],
            "short",
            alerts=["WorkHorsesKilled"],
        ),
    ]


def _watchers() -> list[Any]:
    return [
        rate(
            "Sweeps",
            "The dispatcher's looks at inbox and outbox. Errors are a store or a queue that does not answer.",
            "palmonas_dispatcher_sweeps_total",
            "outcome",
            alerts=["DispatcherStalled", "DispatcherMissing"],
        ),
        graph(
            "Work picked up again",
            "Times the dispatcher asked again for work that nobody was doing: a killed worker, or an emptied Redis.",
            [Line(sum_rate("palmonas_dispatcher_recovered_total", "kind"), "{{kind}}")],
            "cps",
        ),
        graph(
            "Time of a collection",
            "Time the exporter took to read each server in a scrape. It must not grow with the queues.",
            [Line(max_of("palmonas_collector_duration_seconds", "collector"), "{{collector}}")],
            "s",
        ),
        states(
            "Collectors",
            "Whether the exporter could read each server. While one is red, the panels fed by it are blind.",
            Line(pick("palmonas_collector_up"), "{{instance}} {{collector}}"),
            {"0": ("failed", RED), "1": ("works", GREEN)},
            width=24,
            alerts=["CollectorFailed", "ExporterMissing"],
        ),
    ]


def build() -> dict[str, Any]:
    """The queues, as Grafana's JSON."""
    # Exporter, workers and dispatcher each tell a part of this story, so that the choice is of all our processes.
    board = start(
        "palmonas-queues",
        "Does work pile up, where, and is somebody doing it.",
        jobs_from="palmonas_build_info",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Jobs", _jobs())
    board = add_row(board, "Inbox and outbox", show_inbox())
    board = add_row(board, "Workers", _workers())
    return finish(add_row(board, "Dispatcher and collectors", _watchers()))
