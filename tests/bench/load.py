"""A load generator that is cheap: requests are made and signed beforehand, and sent over kept connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

HEADER_END = b"\r\n\r\n"


def make_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + HEADER_END + body


async def _send(port: int, requests: Sequence[bytes], answers: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(HEADER_END)
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        answers.append(head[9:12])
    writer.close()


async def _send_all(port: int, requests: Sequence[bytes], connections: int, answers: list[bytes]) -> None:
    await asyncio.gather(*(_send(port, requests[index::connections], answers) for index in range(connections)))


def send_requests(port: int, requests: Sequence[bytes], connections: int) -> tuple[float, dict[str, int]]:
    """Send all, spread over `connections`; return the seconds it took and the count of each status."""
    answers: list[bytes] = []
    started = time.perf_counter()
    asyncio.run(asyncio.wait_for(_send_all(port, requests, connections, answers), timeout=300))
    seconds = time.perf_counter() - started
    return seconds, {status.decode(): answers.count(status) for status in set(answers)}
