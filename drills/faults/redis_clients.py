"""Clients that do not close their connections take 90 % of those that Redis allows."""

from __future__ import annotations

import socket

from drills.stand import Stand

EXPECT = ("RedisClientsHigh",)
DETECT_S = 90.0
LIMIT = 500
FILLED = 0.9


def inject(stand: Stand) -> None:
    client = stand.connect_redis()
    client.config_set("maxclients", LIMIT)
    address = ("127.0.0.1", stand.layout.ports["redis"])
    for _ in range(int(LIMIT * FILLED) - int(client.info("clients")["connected_clients"])):
        stand.undo.callback(socket.create_connection(address, timeout=5).close)


def heal(stand: Stand) -> None:
    stand.undo.close()
    stand.connect_redis().config_set("maxclients", 10000)
