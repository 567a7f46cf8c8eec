"""Redis may not write into its directory any more: a snapshot fails."""

from __future__ import annotations

import os

from drills.stand import Stand
from stack.processes import give_to_server_user

EXPECT = ("RedisSnapshotFailed",)


def inject(stand: Stand) -> None:
    directory = stand.servers.redis.directory
    directory.chmod(0o500)
    stand.undo.callback(directory.chmod, 0o700)
    stand.connect_redis().bgsave()


def heal(stand: Stand) -> None:
    directory = stand.servers.redis.directory
    directory.chmod(0o700)
    if os.geteuid() == 0:
        give_to_server_user(directory)
    stand.connect_redis().bgsave()
