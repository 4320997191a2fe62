"""Where a request comes from, whatever its headers claim."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.web.peer import client_address, is_trusted

TRUSTED = [ip_network(one) for one in ("10.0.0.0/8", "192.0.2.7", "2001:db8:ffff::/48")]


def among(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip in one for one in TRUSTED)


def inside(network: IPv4Network | IPv6Network) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    last = network.num_addresses - 1
    return st.integers(0, last).map(lambda offset: network[offset])


proxies = st.sampled_from(TRUSTED).flatmap(inside)
strangers = st.ip_addresses().filter(
    lambda ip: not among(ip) and not among(getattr(ip, "ipv4_mapped", None) or ip)
)
ports = st.integers(0, 65_535)


def written(ip: IPv4Address | IPv6Address, port: int | None, mapped: bool, spaces: str) -> str:
    """An address as some proxy writes it."""
    if isinstance(ip, IPv4Address):
        text = f"::ffff:{ip}" if mapped else str(ip)
    else:
        text = ip.exploded.upper() if mapped else str(ip)
    if port is not None:
        text = f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
    return spaces + text + spaces


spellings = st.tuples(st.none() | ports, st.booleans(), st.sampled_from(["", " ", "\t"]))
garbage = st.text(st.characters(codec="latin-1"), max_size=20)


@given(peer=strangers, header=garbage)
def test_a_stranger_is_not_believed(peer: IPv4Address | IPv6Address, header: str) -> None:
    assert client_address(str(peer), header, TRUSTED) == plain(peer)


@given(peer=proxies | strangers, header=st.none() | garbage)
def test_nobody_is_believed_where_nobody_is_trusted(
    peer: IPv4Address | IPv6Address, header: str | None
) -> None:
    assert client_address(str(peer), header, []) == plain(peer)


def plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address as such, also where it is written as an IPv6 one."""
    return getattr(ip, "ipv4_mapped", None) or ip


@given(
    peer=proxies,
    spoofed=st.lists(
        st.one_of(strangers.map(str), proxies.map(str), garbage.map(lambda text: text.replace(",", "")))
    ),
    client=strangers,
    behind=st.lists(st.tuples(proxies, spellings), max_size=4),
    spelling=spellings,
)
def test_what_a_client_writes_stands_before_its_own_address(
    peer: IPv4Address | IPv6Address,
    spoofed: list[str],
    client: IPv4Address | IPv6Address,
    behind: list[tuple[IPv4Address | IPv6Address, tuple[int | None, bool, str]]],
    spelling: tuple[int | None, bool, str],
) -> None:
    # Each proxy adds the address that it saw: first the client's, then those of the proxies between.
    chain = [*spoofed, written(client, *spelling), *(written(proxy, *how) for proxy, how in behind)]
    assert client_address(str(peer), ",".join(chain), TRUSTED) == plain(client)


@given(peer=proxies, header=garbage)
def test_no_header_makes_it_fail_or_gives_more_than_an_address(
    peer: IPv4Address | IPv6Address, header: str
) -> None:
    found = client_address(str(peer), header, TRUSTED)
    assert found is None or found == ip_address(str(found))


@given(peer=proxies, between=st.lists(proxies, max_size=5))
def test_a_request_that_a_proxy_makes_itself_is_from_the_farthest_one(
    peer: IPv4Address | IPv6Address, between: list[IPv4Address | IPv6Address]
) -> None:
    found = client_address(str(peer), ", ".join(map(str, between)), TRUSTED)
    assert found == (between[0] if between else peer)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:1", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.1.1, 192.0.2.7", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, ::ffff:10.1.1.1", "203.0.113.9"),
        ("203.0.113.9,", "203.0.113.9"),
        ("203.0.113.9, , 10.1.1.1,,", "203.0.113.9"),
        ("", "10.0.0.1"),
        (" , ", "10.0.0.1"),
        # A zone is free text, and means something on one machine only.
        ("fe80::1%a-secret", "fe80::1"),
        # What cannot be read is nobody's address; before it, anybody may have written anything.
        ("unknown", None),
        ("203.0.113.9, unknown", None),
        ("203.0.113.9, _hidden, 10.1.1.1", None),
        ("203.0.113.999", None),
        ("203.0.113.9:x", None),
        ("203.0.113.9:123456", None),
        ("[203.0.113.9]", None),
        ("[2001:db8::9", None),
        ("2001:db8::9]:1", None),
        ("0203.0.113.9", None),
        ("3405803785", None),
        ("10.0.0.0/8", None),
    ],
)
def test_forms_of_the_header(header: str, address: str | None) -> None:
    found = client_address("10.0.0.1", header, TRUSTED)
    assert (None if found is None else str(found)) == address


@pytest.mark.parametrize("peer", [None, "", "unix:", "testclient"])
def test_a_peer_without_an_address_has_none_and_is_not_believed(peer: str | None) -> None:
    assert client_address(peer, "203.0.113.9", TRUSTED) is None


def test_a_peer_on_a_dual_stack_socket_is_the_proxy_that_it_is() -> None:
    assert client_address("::ffff:10.0.0.1", "203.0.113.9", TRUSTED) == ip_address("203.0.113.9")
    assert client_address("::ffff:198.51.100.1", None, TRUSTED) == ip_address("198.51.100.1")


def test_a_long_chain_takes_no_long_time() -> None:
    chain = ", ".join(["10.0.0.1"] * 4_000)
    assert client_address("10.0.0.1", f"203.0.113.9, {chain}", TRUSTED) == ip_address("203.0.113.9")


@given(ip=proxies | strangers)
def test_whose_word_counts(ip: IPv4Address | IPv6Address) -> None:
    assert is_trusted(str(ip), TRUSTED) is among(plain(ip))
    assert not is_trusted(str(ip), [])


@pytest.mark.parametrize("peer", [None, "", "somebody", "/run/socket"])
def test_the_word_of_who_has_no_address_does_not_count(peer: str | None) -> None:
    assert not is_trusted(peer, TRUSTED)
