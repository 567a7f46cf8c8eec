"""No address of a private network passes, however it is written."""

from __future__ import annotations

import ipaddress
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbound.addresses import is_public
from app.outbound.connecting import AddressRefused, Deadline, connect, resolve

CLOSED = [
    "0.0.0.0",  # noqa: S104 - judged, not listened on
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1",
    "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::8.8.8.8",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1",
    "fe80::1", "fe80::1%1", "2600::1%1", "fec0::1", "ff02::1", "ff0e::1", "localhost", "127.1", "2130706433",
    "0x7f000001", "0177.0.0.1", "1.1.1.1.1", "1.1.1.1/32",
]  # fmt: skip
OPEN = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2600::1", "2a00:1450:4001:80e::200e",
    "2001:4860:4860::8888", "2620:fe::fe",
]  # fmt: skip


@pytest.mark.parametrize("address", [*CLOSED, ""])
def test_closed(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OPEN)
def test_open(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_nothing_passes_that_python_knows_as_closed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    closed = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    if closed or address.is_reserved or address.is_unspecified:
        assert not is_public(str(address))


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_passes_in_the_clothes_of_ipv6(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for disguise in (0xFFFF << 32, 0xFFFF << 48, 0x64FF9B << 96, 0):
        assert not is_public(str(ipaddress.IPv6Address(disguise | number)))
    assert not is_public(str(ipaddress.IPv6Address(0x2002 << 112 | number << 80 | 1)))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0", "localhost", "::1",
     "::ffff:127.0.0.1", "::ffff:7f00:1", "169.254.169.254", "10.0.0.1", "0xa.1", "[::1]"],
)  # fmt: skip
def test_hosts_are_refused_before_a_packet_leaves(host: str) -> None:
    """A connection attempt would fail this test: unit tests cannot open one."""
    with pytest.raises((AddressRefused, socket.gaierror)):
        connect(host, 80, Deadline(5), allow_private=False)


def test_addresses_are_refused_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a name with a private and a public address only the public one is ever tried."""
    tried: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [_found("10.0.0.1"), _found("1.1.1.1")])
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: tried.append(address))
    monkeypatch.setattr(socket.socket, "getpeername", lambda _: ("1.1.1.1", 80))
    connect("shop.example", 80, Deadline(5), allow_private=False).close()
    assert tried == [("1.1.1.1", 80)]


def test_a_name_is_resolved_once_and_the_peer_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public at first and private a moment later: the second answer is never asked for."""
    answers = [[_found("1.1.1.1")], [_found("127.0.0.1")]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.pop(0))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: None)
    monkeypatch.setattr(socket.socket, "getpeername", lambda _: ("127.0.0.1", 80))
    with pytest.raises(AddressRefused):
        connect("rebinding.example", 80, Deadline(5), allow_private=False)
    assert len(answers) == 1


def test_a_resolver_that_hangs_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])
    with pytest.raises(TimeoutError):
        resolve("slow.example", 80, Deadline(0.05))
    release.set()


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a..b", "\udcff"])
def test_what_is_no_host_name_is_an_error_of_the_network(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - which one is the resolver's to choose
        resolve(host, 80, Deadline(5))


def _found(address: str) -> tuple[int, int, int, str, tuple[str, int]]:
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80)
