"""The machine: does anything of it run out, since when, and which processes use it."""

from __future__ import annotations

from typing import Any

from dashboards.dress import DAY_S, DAYS, Limits
from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, number, saturation
from dashboards.process_groups import WITHOUT_PROCESSES, show_groups
from dashboards.queries import Line, max_of, pick, rate_of, sum_of, sum_rate
from rules.limits import limit

DISK = "job_instance_mountpoint:node_filesystem_avail:ratio"
INODES = "job_instance_mountpoint:node_filesystem_files_free:ratio"
MEMORY = "job_instance:node_memory_available:ratio"
CPU = "job_instance:node_cpu_pressure:ratio"
IO = "job_instance:node_io_pressure:ratio"
HOST_FDS = "job_instance:node_filefd_allocated:ratio"
PROCESS_FDS = "job_instance:process_open_fds:ratio"
DISK_ALERTS = ["HostDiskFilling", "HostDiskNearlyFull"]
INODE_ALERTS = ["HostInodesFilling", "HostInodesNearlyFull"]
WITHOUT_NODE = "no node exporter runs here"
BY_MOUNT = "{{instance}} {{mountpoint}}"


def _full() -> Limits:
    return [(1 - limit("disk_trend_page"), YELLOW), (1 - limit("disk_left_page"), RED)]


def _used(series: str) -> str:
    return f"1 - {pick(series)}"


def _answer() -> list[Any]:
    return [
        number(
            "Fullest disk",
            "The fullest real filesystem of any machine: its space or its inodes, whichever is scarcer.",
            f"1 - min({pick(DISK)} or {pick(INODES)})",
            "percentunit",
            limits=_full(),
            alerts=[*DISK_ALERTS, *INODE_ALERTS],
            may_be_empty=WITHOUT_NODE,
        ),
        number(
            "Memory in use",
            "Memory that programs cannot have any more, on the worst machine. The page cache counts as free.",
            f"1 - min({pick(MEMORY)})",
            "percentunit",
            limits=[(1 - limit("memory_available"), RED)],
            alerts=["HostMemoryLow"],
            may_be_empty=WITHOUT_NODE,
        ),
        number(
            "Waiting for a CPU",
            "Share of the time in which some task waited for a CPU, on the worst machine.",
            max_of(CPU),
            "percentunit",
            limits=[("cpu_pressure", YELLOW)],
            alerts=["HostCpuPressure"],
            may_be_empty=WITHOUT_NODE,
        ),
        number(
            "Waiting for a disk",
            "Share of the time in which some task waited for a disk, on the worst machine.",
            max_of(IO),
            "percentunit",
            limits=[("io_pressure", YELLOW)],
            alerts=["HostIoPressure"],
            may_be_empty=WITHOUT_NODE,
        ),
        number(
            "Read back from swap",
            "Pages a second read back from swap, on the worst machine. Pages that only lie there do no harm.",
            max_of("job_instance:node_vmstat_pswpin:rate5m"),
            "none",
            limits=[("swap_in_pages", YELLOW)],
            alerts=["HostSwapping"],
            may_be_empty=WITHOUT_NODE,
        ),
        number(
            "Fullest process",
            "File descriptors open, of those allowed, of the worst process. At 100 % it takes no connection.",
            max_of(PROCESS_FDS),
            "percentunit",
            limits=[("file_descriptors", YELLOW)],
            alerts=["ProcessFileDescriptorsLow"],
        ),
        saturation(
            "Space used by filesystem",
            "How full each real filesystem is, counting what is kept for root as used. A straight line upwards "
            "has an end: see below.",
            [Line(_used(DISK), BY_MOUNT)],
            _full(),
            width=12,
            alerts=DISK_ALERTS,
            may_be_empty=WITHOUT_NODE,
        ),
        graph(
            "CPU by mode",
            "What the CPUs do, in CPUs. The gap to the number of CPUs is what is left.",
            [
                Line(sum_rate("node_cpu_seconds_total", "mode", 'mode!="idle"'), "{{mode}}"),
                Line("count(" + rate_of("node_cpu_seconds_total", 'mode="idle"') + ")", "CPUs"),
            ],
            "short",
            width=12,
            alerts=["HostCpuPressure"],
            may_be_empty=WITHOUT_NODE,
        ),
    ]


def _disks() -> list[Any]:
    return [
        graph(
            "Time until full",
            "At the pace of the time shown; only for filesystems that fill. Look at a few hours, not at minutes.",
            [Line(f"{pick(DISK)} / (-deriv({pick(DISK)}[$__range]) > 0) / {DAY_S}", BY_MOUNT)],
            DAYS,
            limits=[(0, RED), (limit("disk_ahead_page") / DAY_S, YELLOW)],
            alerts=DISK_ALERTS,
            may_be_empty="no filesystem fills, or no node exporter runs here",
        ),
        saturation(
            "Inodes used by filesystem",
            "Many small files end a filesystem that has space left.",
            [Line(_used(INODES), BY_MOUNT)],
            _full(),
            alerts=INODE_ALERTS,
            may_be_empty="filesystems that make inodes as they need them",
        ),
        saturation(
            "Waiting for a disk, by machine",
            "Pressure of the kernel's own counters; without them, the CPUs' time in iowait.",
            [Line(pick(IO), "{{instance}}")],
            [("io_pressure", YELLOW)],
            alerts=["HostIoPressure"],
            may_be_empty=WITHOUT_NODE,
        ),
        graph(
            "Read and written",
            "Bytes a second to and from each disk.",
            [
                Line(sum_rate("node_disk_read_bytes_total", "instance, device"), "{{instance}} {{device}} read"),
                Line(sum_rate("node_disk_written_bytes_total", "instance, device"), "{{instance}} {{device}} written"),
            ],
            "Bps",
            width=12,
            may_be_empty=WITHOUT_NODE,
        ),
        graph(
            "Disk busy",
            "Share of the time in which the disk had something to do. Disks that work in parallel go on at 100 %.",
            [Line(rate_of("node_disk_io_time_seconds_total"), "{{instance}} {{device}}")],
            "percentunit",
            width=12,
            may_be_empty=WITHOUT_NODE,
        ),
    ]


def _memory() -> list[Any]:
    return [
        graph(
            "Memory",
            "The whole, what programs can still have, and what is free this moment. Free memory is wasted memory: "
            "look at what is available.",
            [
                Line(sum_of("node_memory_MemTotal_bytes", "instance"), "{{instance}} whole"),
                Line(sum_of("node_memory_MemAvailable_bytes", "instance"), "{{instance}} available"),
                Line(sum_of("node_memory_MemFree_bytes", "instance"), "{{instance}} free"),
            ],
            "bytes",
            alerts=["HostMemoryLow"],
            may_be_empty=WITHOUT_NODE,
        ),
        graph(
            "Swap",
            "Pages a second to and from swap.",
            [
                Line(sum_rate("node_vmstat_pswpin", "instance"), "{{instance}} in"),
                Line(sum_rate("node_vmstat_pswpout", "instance"), "{{instance}} out"),
            ],
            "short",
            limits=[("swap_in_pages", YELLOW)],
            alerts=["HostSwapping"],
            may_be_empty=WITHOUT_NODE,
        ),
        graph(
            "Killed for memory",
            "Processes that the kernel killed because memory ran out, between two points.",
            [Line(f"increase({pick('node_vmstat_oom_kill')}[$__rate_interval])", "{{instance}}")],
            "short",
            may_be_empty=WITHOUT_NODE,
        ),
    ]


def _processes() -> list[Any]:
    return [
        graph(
            "CPU by group of processes",
            "CPUs that each group uses; the groups are in prometheus/process.yml.",
            [Line(sum_rate("namedprocess_namegroup_cpu_seconds_total", "groupname"), "{{groupname}}")],
            "short",
            stacked=True,
            may_be_empty=WITHOUT_PROCESSES,
            many=True,
        ),
        saturation(
            "File descriptors by process",
            "Open of those allowed, by the processes' own account; a line that only rises is a leak.",
            [Line(f"topk(10, {max_of(PROCESS_FDS, 'instance')})", "{{instance}}")],
            [("file_descriptors", YELLOW)],
            alerts=["ProcessFileDescriptorsLow"],
            many=True,
        ),
        *show_groups(),
    ]


def _clock() -> list[Any]:
    return [
        graph(
            "Distance from the time server",
            "Of clocks that are synchronised. Machines without a time service have no line.",
            [
                Line(
                    f"abs({pick('node_timex_offset_seconds')}) and on (job, instance) "
                    f"{pick('node_timex_sync_status')} == 1",
                    "{{instance}}",
                )
            ],
            "s",
            limits=[("clock_skew", YELLOW)],
            alerts=["HostClockSkew"],
            may_be_empty="no clock here is synchronised",
        ),
        graph(
            "Clock synchronised",
            "1: by a time service; 0: not.",
            [Line(pick("node_timex_sync_status"), "{{instance}}")],
            "none",
            top=1,
            alerts=["HostClockUnsynchronised"],
            may_be_empty=WITHOUT_NODE,
        ),
        saturation(
            "File descriptors of the machine",
            "Handed out, of all that the kernel can.",
            [Line(pick(HOST_FDS), "{{instance}}")],
            [("file_descriptors", YELLOW)],
            alerts=["HostFileDescriptorsLow"],
            may_be_empty=WITHOUT_NODE,
        ),
    ]


def build() -> dict[str, Any]:
    """The machine, as Grafana's JSON."""
    board = start(
        "palmonas-host", "Does anything of the machine run out, and who uses it.", jobs_from="process_max_fds"
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Disks", _disks())
    board = add_row(board, "Memory", _memory())
    board = add_row(board, "Processes", _processes())
    return finish(add_row(board, "Clock and kernel", _clock()))
