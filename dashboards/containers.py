"""Containers and processes: does one run out of what it was given, which, since when.

Containers by name and by compose's service: what they use, from cAdvisor; what became of them, from the engine by our
exporter. Processes that run without containers by group, from the process exporter.
"""

from __future__ import annotations

from typing import Any

from dashboards.container_health import show_health
from dashboards.dress import Limits
from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, number, saturation
from dashboards.process_groups import WITHOUT_PROCESSES, show_groups
from dashboards.queries import Line, max_of, pick, ratio_of, sum_of, sum_rate

ONE = 'name!=""'  # without a name: the machine, and groups of containers
SERVICE = "container_label_com_docker_compose_service"
CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"
GROUP_CPU = "namedprocess_namegroup_cpu_seconds_total"
RESTARTS = "palmonas_process_restarts_total"
NO_CONTAINER = "no container runs here, or no cAdvisor tells of it"
NO_LIMIT = "no container has such a limit"
NO_SUPERVISOR = "no supervisor of ours runs, as in containers"
FULL: Limits = [("container_memory", YELLOW), (1, RED)]
THROTTLED = [("container_throttled", YELLOW)]
FILES = [("file_descriptors", YELLOW)]


def _memory_of_limit() -> str:
    """A limit of 0 is none."""
    return ratio_of(sum_of(MEMORY, "name", ONE), sum_of("container_spec_memory_limit_bytes", "name", ONE))


def _throttled() -> str:
    return ratio_of(
        sum_rate("container_cpu_cfs_throttled_periods_total", "name", ONE),
        sum_rate("container_cpu_cfs_periods_total", "name", ONE),
    )


def _threads_of_limit() -> str:
    """A limit of 0 is none."""
    return ratio_of(max_of("container_threads", "name", ONE), max_of("container_threads_max", "name", ONE))


def _cpu_of_quota() -> str:
    quota = ratio_of(sum_of("container_spec_cpu_quota", "name", ONE), sum_of("container_spec_cpu_period", "name", ONE))
    return f"{sum_rate(CPU, 'name', ONE)} / ({quota})"


def _answer() -> list[Any]:
    return [
        number(
            "Containers",
            "Containers that cAdvisor sees.",
            f"count({pick('container_last_seen', ONE)})",
            "none",
            may_be_empty=NO_CONTAINER,
        ),
        number(
            "Fullest memory",
            "Working set of its limit, of the container that is nearest to it. At 100 % the kernel kills inside it.",
            f"max({_memory_of_limit()})",
            "percentunit",
            limits=FULL,
            alerts=["ContainerMemoryHigh"],
            may_be_empty=NO_LIMIT,
        ),
        number(
            "Most throttled",
            "Share of its CPU periods in which the worst container was stopped because its quota was used up.",
            f"max({_throttled()})",
            "percentunit",
            limits=THROTTLED,
            alerts=["ContainerThrottled"],
            may_be_empty=NO_LIMIT,
        ),
        number(
            "Groups of processes",
            "Groups of prometheus/process.yml that have a process: parts that run without a container.",
            f"count({pick('namedprocess_namegroup_num_procs')} > 0)",
            "none",
            may_be_empty=WITHOUT_PROCESSES,
        ),
        number(
            "Fullest file table",
            "File descriptors open of those allowed, of the process that is nearest to its limit.",
            max_of("namedprocess_namegroup_worst_fd_ratio"),
            "percentunit",
            limits=FILES,
            alerts=["ProcessFileDescriptorsLow"],
            may_be_empty=WITHOUT_PROCESSES,
        ),
        number(
            "Died, in view",
            "Processes that died and were started again by the supervisor in the time shown.",
            f"sum(increase({pick(RESTARTS)}[$__range]))",
            "none",
            limits=[(1, YELLOW)],
            alerts=["WorkersKilled", "PalmonasApiRestarts"],
            may_be_empty=NO_SUPERVISOR,
        ),
        graph(
            "CPU by service",
            "CPUs that the containers of each service of compose use together.",
            [Line(sum_rate(CPU, SERVICE, ONE), f"{{{{{SERVICE}}}}}")],
            "short",
            stacked=True,
            width=12,
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "CPU by group of processes",
            "CPUs that each group uses.",
            [Line(sum_rate(GROUP_CPU, "groupname"), "{{groupname}}")],
            "short",
            stacked=True,
            width=12,
            leads_to="palmonas-host",
            may_be_empty=WITHOUT_PROCESSES,
        ),
    ]


def _cpu() -> list[Any]:
    return [
        graph(
            "CPU by container",
            "CPUs that each container uses, the ten that use most.",
            [Line(f"topk(10, {sum_rate(CPU, 'name', ONE)})", "{{name}}")],
            "short",
            may_be_empty=NO_CONTAINER,
        ),
        saturation(
            "CPU of the quota",
            "What each container uses of the CPUs that it was given. At 100 % it is throttled.",
            [Line(_cpu_of_quota(), "{{name}}")],
            [(1, YELLOW)],
            may_be_empty=NO_LIMIT,
            many=True,
        ),
        saturation(
            "Throttled",
            "Share of periods in which a container was stopped. It may be high at a low mean: bursts are what it hits.",
            [Line(_throttled(), "{{name}}")],
            THROTTLED,
            alerts=["ContainerThrottled"],
            may_be_empty=NO_LIMIT,
            many=True,
        ),
    ]


def _memory() -> list[Any]:
    return [
        saturation(
            "Memory of the limit",
            "Working set of the limit, by container. What can be given back is not counted.",
            [Line(_memory_of_limit(), "{{name}}")],
            FULL,
            alerts=["ContainerMemoryHigh"],
            may_be_empty=NO_LIMIT,
            many=True,
        ),
        graph(
            "Working set by service",
            "Memory that cannot be given back, of all containers of a service.",
            [Line(sum_of(MEMORY, SERVICE, ONE), f"{{{{{SERVICE}}}}}")],
            "bytes",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Resident and cache",
            "Memory of the containers' programs, and of the files they read and wrote; the ten largest.",
            [
                Line(f"topk(10, {sum_of('container_memory_rss', 'name', ONE)})", "{{name}} resident"),
                Line(f"topk(10, {sum_of('container_memory_cache', 'name', ONE)})", "{{name}} cache"),
            ],
            "bytes",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Limit hit",
            "Times a container wanted more memory than its limit, in the width of a point: files were thrown out of "
            "memory for it, or a process was killed. Machines with cgroup v2 do not tell.",
            [
                Line(
                    f"sum by (name) (increase({pick('container_memory_failcnt', ONE)}[$__rate_interval]))",
                    "{{name}}",
                )
            ],
            "short",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Started again",
            "Times that a container's clock of CPU time began anew, between two points. A restart that used less time "
            "than the next one before it was looked at is not seen.",
            [Line(f"sum by (name) (resets({pick(CPU, ONE)}[$__rate_interval]))", "{{name}}")],
            "short",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Disk",
            "Bytes in each container's own, thrown-away layer; volumes are not counted.",
            [Line(sum_of("container_fs_usage_bytes", "name", ONE), "{{name}}")],
            "bytes",
            may_be_empty=NO_CONTAINER,
        ),
    ]


def _inside() -> list[Any]:
    return [
        graph(
            "Network in, by service",
            "Bytes received by the containers of each service.",
            [Line(sum_rate("container_network_receive_bytes_total", SERVICE, ONE), f"{{{{{SERVICE}}}}}")],
            "Bps",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Network out, by service",
            "Bytes sent by the containers of each service.",
            [Line(sum_rate("container_network_transmit_bytes_total", SERVICE, ONE), f"{{{{{SERVICE}}}}}")],
            "Bps",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Packets dropped",
            "Per second, in and out. More than 0 for long: an interface that is full.",
            [
                Line(sum_rate("container_network_receive_packets_dropped_total", "name", ONE), "{{name}} in"),
                Line(sum_rate("container_network_transmit_packets_dropped_total", "name", ONE), "{{name}} out"),
            ],
            "pps",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Processes in a container",
            "A line that only rises: children that nobody waits for.",
            [Line(sum_of("container_processes", "name", ONE), "{{name}}")],
            "short",
            may_be_empty=NO_CONTAINER,
        ),
        graph(
            "Threads in a container",
            "Processes and their threads, of the limit of pids.",
            [
                Line(_threads_of_limit(), "{{name}}"),
            ],
            "percentunit",
            limits=[("container_pids", YELLOW)],
            alerts=["ContainerPidsHigh"],
            may_be_empty=NO_LIMIT,
        ),
        graph(
            "Open files in a container",
            "File descriptors of all its processes. A line that only rises is a leak.",
            [Line(sum_of("container_file_descriptors", "name", ONE), "{{name}}")],
            "short",
            may_be_empty=NO_CONTAINER,
        ),
    ]


def _processes() -> list[Any]:
    return [
        *show_groups(),
        graph(
            "Restarts",
            "Processes that died and were started again by the supervisor, in the width of a point.",
            [Line(f"sum by (process) (increase({pick(RESTARTS)}[$__rate_interval]))", "{{process}}")],
            "short",
            alerts=["WorkersKilled", "PalmonasApiRestarts"],
            may_be_empty=NO_SUPERVISOR,
            many=True,
        ),
        graph(
            "Threads by group",
            "A line that only rises: threads that never end.",
            [Line(sum_of("namedprocess_namegroup_num_threads", "groupname"), "{{groupname}}")],
            "short",
            may_be_empty=WITHOUT_PROCESSES,
            many=True,
        ),
    ]


def build() -> dict[str, Any]:
    """Containers and processes, as Grafana's JSON."""
    question = "Does a container or a process run out of what it was given, and which."
    board = start("palmonas-containers", question, jobs_from="up")
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Containers: state and health", show_health())
    board = add_row(board, "Containers: CPU", _cpu())
    board = add_row(board, "Containers: memory, restarts, disk", _memory())
    board = add_row(board, "Containers: network and inside", _inside())
    return finish(add_row(board, "Processes", _processes()))
