"""Groups of processes as the process exporter tells of them: parts that run without a container, by what they do."""

from __future__ import annotations

from typing import Any

from dashboards.dress import HOUR_S, HOURS
from dashboards.panels import YELLOW, graph, saturation
from dashboards.queries import Line, max_of, sum_of

WITHOUT_PROCESSES = "no process exporter runs here"
OLDEST = "namedprocess_namegroup_oldest_start_time_seconds"
MEMORY = "namedprocess_namegroup_memory_bytes"


def show_groups() -> list[Any]:
    """Memory, number, age and file descriptors of each group of prometheus/process.yml: four panels."""
    return [
        graph(
            "Memory by group of processes",
            "Resident memory of each group; what processes share is counted for each of them.",
            [Line(sum_of(MEMORY, "groupname", 'memtype="resident"'), "{{groupname}}")],
            "bytes",
            may_be_empty=WITHOUT_PROCESSES,
            many=True,
        ),
        graph(
            "Processes by group",
            "A group that loses processes, or gains them without end.",
            [Line(sum_of("namedprocess_namegroup_num_procs", "groupname"), "{{groupname}}")],
            "short",
            may_be_empty=WITHOUT_PROCESSES,
            many=True,
        ),
        graph(
            "Age of the oldest process",
            "Falls to zero when all of a group were started anew.",
            [Line(f"(time() - {max_of(OLDEST, 'groupname')}) / {HOUR_S}", "{{groupname}}")],
            HOURS,
            may_be_empty=WITHOUT_PROCESSES,
            many=True,
        ),
        saturation(
            "File descriptors by group of processes",
            "Of the worst process of each group: PostgreSQL's and Redis', too. A line that only rises is a leak.",
            [Line(max_of("namedprocess_namegroup_worst_fd_ratio", "groupname"), "{{groupname}}")],
            [("file_descriptors", YELLOW)],
            alerts=["ProcessFileDescriptorsLow"],
            may_be_empty=WITHOUT_PROCESSES,
            many=True,
        ),
    ]
