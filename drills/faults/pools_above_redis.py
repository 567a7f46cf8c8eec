"""Redis is set to take fewer clients than all pools together may open; there are fewer of them now."""

from __future__ import annotations

from drills.stand import Stand

EXPECT = ("ConnectionPoolsAboveServer/warning/redis",)
DETECT_S = 150.0
LIMIT = 64  # clients: above what the stack opens (30), below what its pools may (92)


def inject(stand: Stand) -> None:
    stand.connect_redis().config_set("maxclients", LIMIT)


def heal(stand: Stand) -> None:
    stand.connect_redis().config_set("maxclients", 10000)
