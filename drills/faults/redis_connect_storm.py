"""A connect storm: for a moment more clients come than Redis takes, and some are refused."""

from __future__ import annotations

import socket

from drills.stand import Stand

EXPECT = ("RedisRejectedConnections",)
ROOM = 20
STORM = 60


def inject(stand: Stand) -> None:
    client = stand.connect_redis()
    client.config_set("maxclients", int(client.info("clients")["connected_clients"]) + ROOM)
    address = ("127.0.0.1", stand.layout.ports["redis"])
    for one in [socket.create_connection(address, timeout=5) for _ in range(STORM)]:
        one.close()


def heal(stand: Stand) -> None:
    stand.connect_redis().config_set("maxclients", 10000)
