"""How often an address may call: its own count alone, whoever else calls."""

from __future__ import annotations

import pytest

from lrs.rate_limit import MAX_CALLERS, RateLimit, network_of


def clock() -> int:
    """A clock that stands."""
    return 90_000_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a:b", "a:b"),
        ("", ""),
    ],
)
def test_the_addresses_of_an_ipv6_network_are_one_caller(address: str, network: str) -> None:
    """Whoever has an IPv6 network has 2**64 addresses; an IPv4 address stands for itself."""
    assert network_of(address) == network


def test_a_caller_has_so_many_calls_a_minute() -> None:
    """After them it hears how long to wait; a neighbour in the same IPv6 network has the same count."""
    limit = RateLimit(2, clock)
    assert [limit.wait(f"2001:db8::{number}") for number in range(4)] == [0, 0, 31, 31]
    assert limit.wait("2001:db8:0:1::1") == 0
    assert limit.wait("2001:db8::1", "another page") == 0


def test_very_many_callers_refuse_nobody_and_do_not_hide_who_calls_most() -> None:
    """New callers are let in however many there are, the memory is bounded, and whoever had enough waits."""
    limit = RateLimit(3, clock)
    for _ in range(4):
        limit.wait("192.0.2.1")
    for number in range(3 * MAX_CALLERS):
        assert limit.wait(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}") == 0
    assert limit.wait("192.0.2.1") > 0
    assert len(limit._counts) <= MAX_CALLERS
