"""What counts as one address where clients share what an agent has among them."""

from __future__ import annotations

import ipaddress

SHARED_PREFIX_BITS = 64
"""Of an IPv6 address: whoever has one address of such a network has all of them."""


def source_of(address: str) -> str:
    """The address, or the network that one client may have to itself."""
    if ":" not in address:
        return address
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, SHARED_PREFIX_BITS), strict=False))
