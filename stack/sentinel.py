"""Redis with a spare: a replica of it, and the Sentinels that make the spare the master when the master is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stack.processes import give_to_server_user
from stack.servers import HOST, RedisServer

MASTER = "palmonas"  # by what name the Sentinels know the master
SENTINELS = 3
QUORUM = 2
DOWN_AFTER_MS = 3000  # so long a master may be silent
FAILOVER_TIMEOUT_MS = 10000


class KeptRedis(RedisServer):
    """A Redis that others follow, or that follows others: it keeps a log.

    A master that is started again at once, empty, before a Sentinel has noticed, would have its replicas emptied, too.
    """

    def __init__(self, directory: Path, port: int | None = None, *, follows: RedisServer | None = None) -> None:
        super().__init__(directory, port)
        self._follows = follows
        if follows:
            self.name = "redis-replica"

    @property
    def password(self) -> str:
        return self._follows.password if self._follows else super().password

    def settings(self) -> dict[str, object]:
        kept = {**super().settings(), "appendonly": "yes", "masterauth": self.password}
        return {**kept, "replicaof": f"{HOST} {self._follows.port}"} if self._follows else kept


class RedisSentinel(RedisServer):
    """One Sentinel over `master`. It writes what it learns into its own configuration, which each start makes anew."""

    def __init__(self, directory: Path, master: RedisServer, number: int, port: int | None = None) -> None:
        super().__init__(directory, port)
        self.name = f"sentinel-{number}"
        self._master = master

    @property
    def password(self) -> str:
        return self._master.password

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        path = self.directory / "redis.conf"
        path.write_text(describe_sentinel(HOST, self.port, self._master.port, self.password), encoding="utf-8")
        path.chmod(0o600)
        give_to_server_user(self.directory)

    def command(self) -> list[str]:
        return [*super().command(), "--sentinel"]

    def find_master(self) -> int | None:
        """The port of the master that this Sentinel knows now; None when it does not answer."""
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
        try:
            told: Any = client.sentinel_get_master_addr_by_name(MASTER)
        except redis.RedisError:
            return None
        finally:
            client.close()
        return int(told[1]) if told else None


def describe_sentinel(host: str, port: int, master_port: int, password: str, master_host: str = HOST) -> str:
    """A Sentinel's configuration file; one password for the Sentinels and for what they watch."""
    lines = [
        f"bind {host}",
        f"port {port}",
        f"requirepass {password}",
        f"sentinel sentinel-pass {password}",
        "sentinel resolve-hostnames yes",
        f"sentinel monitor {MASTER} {master_host} {master_port} {QUORUM}",
        f"sentinel auth-pass {MASTER} {password}",
        f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
        f"sentinel failover-timeout {MASTER} {FAILOVER_TIMEOUT_MS}",
        f"sentinel parallel-syncs {MASTER} 1",
    ]
    return "\n".join(lines) + "\n"
