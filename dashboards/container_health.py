"""State, health, restarts and OOM kills of containers, as the exporter reads them from a Docker engine."""

from __future__ import annotations

from typing import Any

from dashboards.panels import RED, YELLOW, graph, number
from dashboards.queries import Line, max_of, pick, pick_job

NO_ENGINE = "the exporter watches no Docker engine"


def show_health() -> list[Any]:
    """The row of what the exporter reads from a Docker engine."""
    unhealthy = pick("palmonas_container_health", 'health="unhealthy"')
    return [
        graph(
            "Containers by state",
            "Containers of all services in each state. Stopped are those meant to run; what runs once finishes "
            "or fails.",
            [Line(f"sum by (state) ({pick('palmonas_container_state')}) > 0", "{{state}}")],
            "short",
            alerts=["ContainerMissing", "ContainerFailed", "ContainerPaused"],
            may_be_empty=NO_ENGINE,
        ),
        graph(
            "Health",
            "What the health checks of all running containers say.",
            [Line(f"sum by (health) ({pick('palmonas_container_health')})", "{{health}}")],
            "short",
            alerts=["ContainerUnhealthy"],
            may_be_empty=NO_ENGINE,
        ),
        number(
            "Not running, in view",
            "The most containers of one service that did not run though they are meant to, in the time shown.",
            f"max(max_over_time({pick_job('job_service:palmonas_container_stopped:sum')}[$__range]))",
            "none",
            limits=[(1, YELLOW)],
            alerts=["ContainerMissing"],
            may_be_empty=NO_ENGINE,
        ),
        number(
            "Unhealthy, in view",
            "Containers that were unhealthy at some time shown.",
            f"sum(max_over_time({unhealthy}[$__range]))",
            "none",
            limits=[(1, RED)],
            alerts=["ContainerUnhealthy"],
            may_be_empty=NO_ENGINE,
        ),
        graph(
            "Restarts by the engine",
            "Times that the engine started a container again that had ended, in the width of a point.",
            [
                Line(
                    f"sum by (name) (increase({pick('palmonas_container_restarts_total')}[$__rate_interval]))",
                    "{{name}}",
                )
            ],
            "short",
            alerts=["ContainerRestartLoop"],
            may_be_empty=NO_ENGINE,
        ),
        graph(
            "OOM kills by container",
            "Times that the kernel killed inside a container for memory, its children included, in the width of a "
            "point.",
            [
                Line(
                    f"sum by (name) (increase({pick('palmonas_container_oom_kills_total')}[$__rate_interval]))",
                    "{{name}}",
                )
            ],
            "short",
            alerts=["ContainerOomKilled"],
            may_be_empty=NO_ENGINE,
        ),
        graph(
            "Last exit code",
            "Of each container that has ended: 1 is an error of its own, 137 a SIGKILL, 139 a crash, 143 a SIGTERM.",
            [Line(max_of("palmonas_container_last_exit_code", "name"), "{{name}}")],
            "none",
            may_be_empty="no container has ended, or the exporter watches no engine",
        ),
    ]
