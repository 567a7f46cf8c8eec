"""Which addresses the service may call: public ones.

A shop's address is configuration, but what its name resolves to is somebody else's choice. Without this check
a name could lead a call, credentials included, to a server of our own network.
"""

from __future__ import annotations

import ipaddress

# https://www.iana.org/assignments/iana-ipv4-special-registry: everything not meant to be reached from the
# internet. Written out, because what `ipaddress` calls global differs between Python's patch releases.
_IPV4_CLOSED = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays to IPv6
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# https://www.iana.org/assignments/ipv6-unicast-address-assignments: only 2000::/3 is handed out. That alone
# closes loopback, mapped and translated IPv4 (::ffff:0:0/96, 64:ff9b::/96), unique local, link-local, multicast.
_IPV6_OPEN = ipaddress.IPv6Network("2000::/3")
_IPV6_CLOSED = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
    )
)


def is_public(address: str) -> bool:
    """True for an IP address that is reachable on the internet; False for any other, and for what is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _IPV4_CLOSED)
    if found.scope_id is not None or found not in _IPV6_OPEN:
        return False
    return not any(found in network for network in _IPV6_CLOSED)
