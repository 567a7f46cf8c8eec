"""Redis' append-only file is on a full disk (a tmpfs of one megabyte): it cannot be written. Needs root (mount)."""

from __future__ import annotations

from drills.disk import mount_small
from drills.stand import Stand
from stack.processes import give_to_server_user

EXPECT = ("RedisAppendFailed",)
MAY = {"QueueFailures": "Redis refuses writes until the file can be written again"}
SIZE = 1 << 20  # bytes


def inject(stand: Stand) -> None:
    directory = stand.servers.redis.directory / "appendonlydir"
    mount_small(stand, directory, SIZE)
    give_to_server_user(directory)
    client = stand.connect_redis()
    client.config_set("appendonly", "yes")
    client.set("drill:ballast", bytes(2 * SIZE), ex=600)


def heal(stand: Stand) -> None:
    client = stand.connect_redis()
    client.config_set("appendonly", "no")
    client.delete("drill:ballast")
    stand.undo.close()
