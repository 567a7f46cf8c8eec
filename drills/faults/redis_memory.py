"""Redis' memory fills to 94 % of maxmemory; nothing is evicted, and there is still room to work."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("RedisMemoryHigh",)
BALLAST = 32 << 20  # bytes: 6 % of it and of what is there are room enough for a minute
FILLED = 0.94


def inject(stand: Stand) -> None:
    client = stand.connect_redis()
    client.setrange("drill:ballast", BALLAST - 1, b"\0")  # one byte sent: a client's buffer is memory, too
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] / FILLED))


def heal(stand: Stand) -> None:
    client = stand.connect_redis()
    client.config_set("maxmemory", "256mb")
    client.delete("drill:ballast")
