"""Which network addresses the tool may connect to: public ones, and those the operator allowed.

Written as networks instead of asking Python's `ipaddress` alone, whose answers differ between versions and
leave out ranges such as site-local addresses. Source: the IANA special-purpose address registries for IPv4
and IPv6 (RFC 6890 and its successors).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SPECIAL_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 that is given out to machines on the internet; all else is inner or special."""
SPECIAL_IPV6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking and others
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: stands for any IPv4 address, inner ones too
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)


def normal(text: str) -> Address:
    """The address without a zone; one that is IPv4 in IPv6's clothes (`::ffff:a.b.c.d`) as IPv4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Whether the address is one of a machine on the internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not _within(address, SPECIAL_IPV4) and address.is_global
    # An interface identifier of ISATAP carries an IPv4 address that a router would tunnel to.
    tunnelled = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
    return (
        address in GLOBAL_IPV6 and not _within(address, SPECIAL_IPV6) and address.is_global and not tunnelled
    )


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
