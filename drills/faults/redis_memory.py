"""Redis' memory fills to 94 % of maxmemory; nothing is evicted, and there is still room to work."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("RedisMemoryHigh",)
LIMIT = 32 << 20  # bytes
FILLED = 0.94


def inject(stand: Stand) -> None:
    client = stand.connect_redis()
    client.config_set("maxmemory", LIMIT)
    used = int(client.info("memory")["used_memory"])
    client.set("drill:ballast", bytes(int(LIMIT * FILLED) - used))


def heal(stand: Stand) -> None:
    client = stand.connect_redis()
    client.delete("drill:ballast")
    client.config_set("maxmemory", "256mb")
