"""Redis' append-only file is on a full disk (a tmpfs of one megabyte): it cannot be written. Needs root (mount)."""

from __future__ import annotations

from drills.disk import grow_disk, mount_small
from drills.stand import Stand
from stack.processes import give_to_server_user, wait_until

EXPECT = ("RedisAppendFailed",)
MAY = {
    "QueueFailures": "Redis refuses writes until the file can be written again",
    "WorkersKilled": "a worker that may not write its heartbeat ends",
    "WorkerHeartbeatStale": "the dead one is registered for 80 s on any clock: longer than a tenth of five minutes",
}
SIZE = 1 << 20  # bytes
WRITTEN_DEADLINE_S = 15.0


def inject(stand: Stand) -> None:
    directory = stand.servers.redis.directory / "appendonlydir"
    mount_small(stand, directory, SIZE)
    give_to_server_user(directory)
    client = stand.connect_redis()
    client.config_set("appendonly", "yes")
    client.set("drill:ballast", bytes(2 * SIZE), ex=600)


def heal(stand: Stand) -> None:
    """Room first: Redis keeps the failed status of a file that is switched off before it was written again."""
    client = stand.connect_redis()
    grow_disk(stand.servers.redis.directory / "appendonlydir", 64 * SIZE)
    wait_until(lambda: client.info("persistence")["aof_last_write_status"] == "ok", WRITTEN_DEADLINE_S, pause_s=0.2)
    client.config_set("appendonly", "no")
    client.delete("drill:ballast")
    stand.undo.close()
