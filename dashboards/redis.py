"""Redis as its exporter sees it: does it answer, has it memory and places left, does it keep what it is given."""

from __future__ import annotations

from typing import Any

from dashboards.frame import add_row, finish, start
from dashboards.panels import RED, YELLOW, graph, listing, number, rate, saturation
from dashboards.queries import Line, max_of, pick, ratio_of, sum_of, sum_rate, top_sum_rate

MEMORY = "job_instance:redis_memory_used:ratio"
CLIENTS = "job_instance:redis_connected_clients:ratio"
MEMORY_LIMITS = [("redis_memory_high", YELLOW)]
CLIENT_LIMITS = [("redis_clients_high", YELLOW)]
NO_LIMIT = "maxmemory is 0, no limit"
NO_CONFIG = "the exporter may not ask for CONFIG"


def _answer() -> list[Any]:
    return [
        number(
            "Redis up",
            "1 when every exporter reaches its Redis. 0 also when Redis takes no more clients.",
            f"min({pick('redis_up')})",
            "none",
            alerts=["RedisDown", "RedisAbsent"],
        ),
        number(
            "Memory used",
            "Of maxmemory, in the fullest Redis. At 100 % it refuses every write.",
            max_of(MEMORY),
            "percentunit",
            limits=MEMORY_LIMITS,
            alerts=["RedisMemoryHigh"],
            may_be_empty=NO_LIMIT,
        ),
        number(
            "Evicted, in view",
            "Keys that Redis threw away to make room, in the time shown. Queues are among what it would throw away.",
            f"sum(increase({pick('redis_evicted_keys_total')}[$__range]))",
            "none",
            limits=[(1, RED)],
            alerts=["RedisEvicting"],
        ),
        number(
            "Refused, in view",
            "Connections that Redis refused in the time shown, because maxclients were connected.",
            f"sum(increase({pick('redis_rejected_connections_total')}[$__range]))",
            "none",
            limits=[(1, RED)],
            alerts=["RedisRejectedConnections"],
        ),
        number(
            "Clients",
            "Connected clients of maxclients, in the most crowded Redis.",
            max_of(CLIENTS),
            "percentunit",
            limits=CLIENT_LIMITS,
            alerts=["RedisClientsHigh"],
            may_be_empty=NO_CONFIG,
        ),
        number(
            "Commands",
            "Commands that all chosen Redis worked off per second.",
            f"sum({pick('job_instance:redis_commands_processed:rate5m')})",
            "cps",
        ),
        saturation(
            "Memory of maxmemory",
            "Above the line there is an hour or a minute left, depending on the slope.",
            [Line(pick(MEMORY), "{{instance}}")],
            MEMORY_LIMITS,
            width=12,
            alerts=["RedisMemoryHigh"],
            may_be_empty=NO_LIMIT,
        ),
        saturation(
            "Clients of maxclients",
            "At 100 % the next client is refused, and the exporter, too: then this line ends.",
            [Line(pick(CLIENTS), "{{instance}}")],
            CLIENT_LIMITS,
            width=12,
            alerts=["RedisClientsHigh", "RedisRejectedConnections"],
            may_be_empty=NO_CONFIG,
        ),
    ]


def _memory() -> list[Any]:
    return [
        graph(
            "Memory",
            "Used by data and buffers, its peak, and what the operating system gave for it.",
            [
                Line(max_of("redis_memory_used_bytes", "instance"), "{{instance}} used"),
                Line(max_of("redis_memory_used_peak_bytes", "instance"), "{{instance}} peak"),
                Line(max_of("redis_memory_used_rss_bytes", "instance"), "{{instance}} resident"),
                Line(max_of("redis_memory_max_bytes", "instance"), "{{instance}} maxmemory"),
            ],
            "bytes",
            alerts=["RedisMemoryHigh"],
        ),
        graph(
            "Keys",
            "Keys, and those of them that will expire. A queue that is worked off has few; what never expires, grows.",
            [
                Line(sum_of("redis_db_keys", "instance"), "{{instance}} keys"),
                Line(sum_of("redis_db_keys_expiring", "instance"), "{{instance}} that expire"),
            ],
            "short",
        ),
        graph(
            "Evicted and expired",
            "Expiry is wanted. Eviction never is: it throws queues away.",
            [
                Line(sum_rate("redis_evicted_keys_total", "instance"), "{{instance}} evicted"),
                Line(sum_rate("redis_expired_keys_total", "instance"), "{{instance}} expired"),
            ],
            "cps",
            alerts=["RedisEvicting"],
        ),
    ]


def _clients() -> list[Any]:
    return [
        graph(
            "Clients and who blocks",
            "Blocked clients are idle workers that wait for a job: that is as it should be.",
            [
                Line(sum_of("redis_connected_clients", "instance"), "{{instance}} connected"),
                Line(sum_of("redis_blocked_clients", "instance"), "{{instance}} blocked"),
            ],
            "short",
            alerts=["RedisClientsHigh"],
        ),
        graph(
            "Connections",
            "Accepted and refused. Many accepted under a steady load are clients without a pool.",
            [
                Line(sum_rate("redis_connections_received_total", "instance"), "{{instance}} accepted"),
                Line(sum_rate("redis_rejected_connections_total", "instance"), "{{instance}} refused"),
            ],
            "cps",
            alerts=["RedisRejectedConnections"],
        ),
        rate(
            "Errors answered",
            "OOM: full. MISCONF: a snapshot or the append-only file failed. NOAUTH, WRONGPASS: a wrong password.",
            "redis_errors_total",
            "instance, err",
            alerts=["RedisMemoryHigh", "RedisSnapshotFailed", "RedisAppendFailed"],
            may_be_empty="no error since Redis started, or one older than 6.2",
        ),
    ]


def _work() -> list[Any]:
    return [
        graph(
            "Commands by name",
            "The ten that came most.",
            [Line(top_sum_rate(10, "redis_commands_total", "cmd"), "{{cmd}}")],
            "cps",
        ),
        graph(
            "Time by command",
            "Share of the one thread, the ten that took most. A sum near 100 % is a Redis that is full of work.",
            [Line(top_sum_rate(10, "redis_commands_duration_seconds_total", "cmd"), "{{cmd}}")],
            "percentunit",
            stacked=True,
            many=True,
        ),
        graph(
            "Mean time of a command",
            "Time inside Redis, without the network and the wait before it.",
            [
                Line(
                    ratio_of(
                        sum_rate("redis_commands_duration_seconds_total", "instance"),
                        sum_rate("redis_commands_total", "instance"),
                    ),
                    "{{instance}}",
                )
            ],
            "s",
        ),
        graph(
            "Found",
            "Share of reads that found their key. RQ asks for much that is not there: low is not wrong.",
            [Line(pick("job_instance:redis_keyspace_hits:ratio_rate5m"), "{{instance}}")],
            "percentunit",
            top=1,
            may_be_empty="no read in five minutes",
        ),
        graph(
            "Processor",
            "Seconds of processor per second. Redis does its work in one thread: 100 % is all there is.",
            [
                Line(sum_rate("redis_cpu_user_seconds_total", "instance"), "{{instance}} user"),
                Line(sum_rate("redis_cpu_sys_seconds_total", "instance"), "{{instance}} system"),
            ],
            "percentunit",
        ),
        graph(
            "Network",
            "Bytes in and out.",
            [
                Line(sum_rate("redis_net_input_bytes_total", "instance"), "{{instance}} in"),
                Line(sum_rate("redis_net_output_bytes_total", "instance"), "{{instance}} out"),
            ],
            "Bps",
        ),
    ]


def _keeping() -> list[Any]:
    return [
        graph(
            "Last write to disk",
            "1: the last one worked; 1, too, where none is configured. 0 stops every write of the clients.",
            [
                Line(pick("redis_rdb_last_bgsave_status"), "{{instance}} snapshot"),
                Line(pick("redis_aof_last_write_status"), "{{instance}} append-only file"),
                Line(pick("redis_aof_last_bgrewrite_status"), "{{instance}} its rewrite"),
            ],
            "short",
            width=12,
            alerts=["RedisSnapshotFailed", "RedisAppendFailed"],
        ),
        graph(
            "Replicas",
            "Replicas that each Redis has connected. The master's line that falls: nobody may be left to take over.",
            [Line(pick("redis_connected_slaves"), "{{instance}}")],
            "short",
            width=12,
            alerts=["RedisReplicaGone"],
        ),
        listing(
            "Servers",
            "Version, role, and what each does when it is full: it must be noeviction.",
            pick("redis_instance_info"),
            ["instance", "redis_version", "role", "redis_mode", "maxmemory_policy"],
            width=24,
            alerts=["RedisEvicting"],
        ),
    ]


def build() -> dict[str, Any]:
    """Redis, as Grafana's JSON."""
    board = start(
        "palmonas-redis",
        "Does Redis answer, has it memory and places left, does it keep what it is given.",
        jobs_from="redis_up",
    )
    for panel in _answer():
        board = board.with_panel(panel)
    board = add_row(board, "Memory", _memory())
    board = add_row(board, "Clients", _clients())
    board = add_row(board, "Work", _work())
    return finish(add_row(board, "Disk", _keeping()))
