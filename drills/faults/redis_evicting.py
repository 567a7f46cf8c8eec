"""Somebody sets maxmemory-policy to allkeys-lru, and memory fills: Redis drops keys, jobs perhaps among them."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("RedisEvicting",)
MAY = {"RedisMemoryHigh": "memory is full before the first key is evicted"}
ROOM = 16 << 20  # bytes, and twice as many are written
PIECE = 64 << 10


def inject(stand: Stand) -> None:
    client = stand.connect_redis()
    client.config_set("maxmemory", client.info("memory")["used_memory"] + ROOM)
    client.config_set("maxmemory-policy", "allkeys-lru")
    for number in range(2 * ROOM // PIECE):
        client.set(f"drill:ballast:{number}", bytes(PIECE), ex=600)


def heal(stand: Stand) -> None:
    client = stand.connect_redis()
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "256mb")
    for name in client.scan_iter("drill:ballast:*", count=1000):
        client.delete(name)
