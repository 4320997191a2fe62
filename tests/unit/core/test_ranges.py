"""Ranges as numbers: they hold the addresses that the library's networks hold."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from keywright.core.ranges import among, ranges_of

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

NETWORKS = st.sampled_from(
    [
        *("0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/32"),
        *("::/0", "2001:db8::/32", "2001:db8::1/128", "::/128", "::/96"),
    ]
).map(ip_network)
ADDRESSES = st.one_of(
    st.ip_addresses(),
    st.sampled_from(["0.0.0.0", "10.255.255.255", "11.0.0.0", "192.0.2.7", "::", "::1", "2001:db8::1"]).map(
        ip_address
    ),
)


@given(ADDRESSES, st.lists(NETWORKS, max_size=3))
def test_an_address_is_among_ranges_as_it_is_in_networks(ip: Address, networks: list[Network]) -> None:
    assert among(ip, ranges_of(tuple(networks))) is any(ip in network for network in networks)
