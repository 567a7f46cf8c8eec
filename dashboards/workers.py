"""Workers: are there enough, do they work, do they live."""

from __future__ import annotations

from typing import Any

from dashboards.dress import HOUR_S, HOURS
from dashboards.frame import add_row, finish, start
from dashboards.panels import GREEN, RED, YELLOW, graph, heat_map, listing, number, rate, saturation, states
from dashboards.queries import POOL_FILL, Line, max_of, mean_of, pick, quantile_of, rate_of, ratio_of, sum_of, sum_rate

RUN = "rq_job_run_seconds"
RESTARTS = pick("palmonas_process_restarts_total", 'process=~"worker.*"')
WORKERS = pick("palmonas_build_info", 'process="worker"')
NO_JOB = "no job has run yet"
NO_SUPERVISOR = "no supervisor of ours runs, as in containers"
BUSY_LIMITS = [("workers_busy", YELLOW)]
HEARTBEAT_LIMITS = [("heartbeat_age", RED)]


def _busy(by: str) -> str:
    return ratio_of(sum_of("rq_workers", by, 'state="busy"'), sum_of("rq_workers", by))


def _of_workers(expr: str) -> str:
    """Of the processes that `expr` tells of, the workers."""
    return f"{expr} and on (job, instance) {WORKERS}"


def _answer() -> list[Any]:
    return [
        number(
            "Workers",
            "RQ workers that are registered, in all queues. A killed one counts until its heartbeat expires.",
            sum_of("rq_workers"),
            "none",
            limits=[(0, RED), (1, GREEN)],
            alerts=["QueueNoWorker"],
        ),
        number(
            "Busy, fullest queue",
            "Share of a queue's workers that are at work now. 100 % for long while jobs wait: add workers.",
            f"max({_busy('queue')})",
            "percentunit",
            limits=BUSY_LIMITS,
            alerts=["WorkersBusy"],
        ),
        number(
            "Stalest heartbeat",
            "Age of the oldest heartbeat of all workers. It rises when a worker is killed, frozen or cut off.",
            max_of("rq_worker_heartbeat_age_seconds"),
            "s",
            limits=HEARTBEAT_LIMITS,
            alerts=["WorkerHeartbeatStale"],
        ),
        number(
            "Suspended",
            "Workers that take no job because somebody suspended them (`rq suspend`).",
            sum_of("rq_workers", "", 'state="suspended"'),
            "none",
            limits=[(1, YELLOW)],
            alerts=["QueueStuck"],
        ),
        number(
            "Died, in view",
            "Workers that died and were started again in the time shown. Stops on request do not count.",
            f"sum(increase({RESTARTS}[$__range]))",
            "none",
            limits=[(1, YELLOW)],
            alerts=["WorkersKilled"],
            may_be_empty=NO_SUPERVISOR,
        ),
        number(
            "Run time, p99",
            "99 of 100 jobs ended within this time. A drain ends after 5 s by design.",
            quantile_of(0.99, RUN),
            "s",
            may_be_empty=NO_JOB,
        ),
        saturation(
            "Busy workers",
            "Share of each queue's workers that are at work. At the line, what arrives waits.",
            [Line(_busy("queue"), "{{queue}}")],
            BUSY_LIMITS,
            width=12,
            alerts=["WorkersBusy"],
        ),
        graph(
            "Stalest heartbeat",
            "Age of the oldest heartbeat of each queue's workers. A saw is health, a ramp is a worker that is gone.",
            [Line(max_of("rq_worker_heartbeat_age_seconds", "queue"), "{{queue}}")],
            "s",
            limits=HEARTBEAT_LIMITS,
            width=12,
            alerts=["WorkerHeartbeatStale"],
            may_be_empty="a queue without workers",
        ),
    ]


def _states() -> list[Any]:
    return [
        graph(
            "Workers by state",
            "started, idle, busy, suspended: of each queue. The sum is how many there are.",
            [Line(f"{sum_of('rq_workers', 'queue, state')} > 0", "{{queue}} {{state}}")],
            "short",
            stacked=True,
            alerts=["QueueNoWorker"],
        ),
        saturation(
            "Time at work",
            "Share of its time that each process spent in jobs that ended: what `busy` means, not sampled but summed.",
            [Line(sum_rate(f"{RUN}_sum", "instance"), "{{instance}}")],
            [],
            alerts=["WorkersBusy"],
            may_be_empty=NO_JOB,
        ),
        states(
            "Processes that answer",
            "Whether Prometheus could scrape each worker. A gap is a process that was not asked for.",
            Line(_of_workers(pick("up")), "{{instance}}"),
            {"0": ("down", RED), "1": ("up", GREEN)},
            width=8,
            alerts=["TargetAbsent"],
        ),
    ]


def _jobs() -> list[Any]:
    return [
        graph(
            "Run time by queue, 99th percentile",
            "How long jobs run. What runs for minutes holds its worker, and delays a stop.",
            [Line(quantile_of(0.99, RUN, "queue"), "{{queue}}")],
            "s",
            may_be_empty=NO_JOB,
        ),
        graph(
            "Mean run time by queue",
            "Beside the 99th percentile it tells whether all jobs are slow or a few.",
            [Line(mean_of(RUN, "queue"), "{{queue}}")],
            "s",
            may_be_empty=NO_JOB,
        ),
        heat_map("Run time", "How long jobs ran, counted by duration.", RUN, may_be_empty=NO_JOB),
        rate(
            "Jobs that ended",
            "By queue and outcome: succeeded, failed, retried.",
            "rq_jobs_processed_total",
            "queue, outcome",
            alerts=["QueueStuck", "QueueFailures", "JobRetryStorm"],
            may_be_empty=NO_JOB,
            many=True,
        ),
        graph(
            "Wait before the run, 99th percentile",
            "How long jobs waited for a worker.",
            [Line(quantile_of(0.99, "rq_job_wait_seconds", "queue"), "{{queue}}")],
            "s",
            alerts=["QueueOldestJobAge"],
            leads_to="palmonas-queues",
            may_be_empty=NO_JOB,
        ),
        graph(
            "Batch of a drain",
            "Mean time of one batch of the inbox, and its 99th percentile.",
            [
                Line(mean_of("palmonas_drain_batch_duration_seconds"), "mean"),
                Line(quantile_of(0.99, "palmonas_drain_batch_duration_seconds"), "p99"),
            ],
            "s",
            leads_to="palmonas-orders",
            may_be_empty="nothing was drained yet",
        ),
    ]


def _deaths() -> list[Any]:
    return [
        graph(
            "Workers that died",
            "Times the supervisor started a worker again that had died, in the width of a point.",
            [Line(f"sum by (process) (increase({RESTARTS}[$__rate_interval]))", "{{process}}")],
            "short",
            alerts=["WorkersKilled"],
            may_be_empty=NO_SUPERVISOR,
        ),
        graph(
            "Jobs killed under a forking worker",
            "Processes that died under their job, in the width of a point. Our own workers do not fork, and show 0.",
            [Line(f"sum by (queue) (increase({pick('rq_work_horses_killed_total')}[$__rate_interval]))", "{{queue}}")],
            "short",
            alerts=["WorkHorsesKilled"],
        ),
        graph(
            "Uptime",
            "Time since each worker started. A saw is a crash loop, or a limit that ends it.",
            [Line(f"(time() - ({_of_workers(pick('process_start_time_seconds'))})) / {HOUR_S}", "{{instance}}")],
            HOURS,
        ),
    ]


def _processes() -> list[Any]:
    fds = f"{pick('process_open_fds')} / {pick('process_max_fds')}"
    return [
        graph(
            "CPU",
            "Processor time of each worker; 100 % is one core, the most that one can use.",
            [Line(_of_workers(rate_of("process_cpu_seconds_total")), "{{instance}}")],
            "percentunit",
            leads_to="palmonas-host",
        ),
        graph(
            "Memory",
            "Resident memory of each worker. A line that only rises is a leak.",
            [Line(_of_workers(pick("process_resident_memory_bytes")), "{{instance}}")],
            "bytes",
        ),
        saturation(
            "Open files, of the limit",
            "File descriptors in use. A line that only rises is a leak of connections or files.",
            [Line(_of_workers(fds), "{{instance}}")],
            [("file_descriptors", YELLOW)],
            alerts=["ProcessFileDescriptorsLow"],
        ),
        saturation(
            "Fill of their pools",
            "Connections in use of those that each worker may open. Pools of health checks are left out.",
            [Line(_of_workers(pick(POOL_FILL)), "{{instance}} {{pool}}")],
            [("pool_saturated", YELLOW), ("pool_exhausted", RED)],
            width=12,
            alerts=["ConnectionPoolSaturated", "ConnectionPoolExhausted"],
            leads_to="palmonas-pools",
        ),
        listing(
            "Versions",
            "What runs where. Two versions at once are a deploy that is under way, or stuck.",
            WORKERS,
            ["job", "instance", "version"],
        ),
    ]


def build() -> dict[str, Any]:
    """The workers, as Grafana's JSON."""
    # Exporter and workers each tell a part of this story, so that the choice is of all our processes.
    board = start(
        "palmonas-workers",
        "Are there enough workers, do they work, do they live.",
        jobs_from="palmonas_build_info",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "States", _states())
    board = add_row(board, "Jobs", _jobs())
    board = add_row(board, "Deaths", _deaths())
    return finish(add_row(board, "Processes", _processes()))
