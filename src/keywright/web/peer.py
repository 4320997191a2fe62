"""Where a request comes from: the peer, or what a trusted proxy in front of us says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from keywright.core.checks import address
from keywright.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# Some proxies write the port too: `192.0.2.7:4711`, `[2001:db8::7]:4711`.
_with_port = re.compile(r"([0-9.]+):[0-9]{1,5}|\[([^]]*:[^]]*)\](?::[0-9]{1,5})?").fullmatch


def client_address(
    peer: str | None, forwarded: str | None, trusted: Sequence[IPv4Network | IPv6Network]
) -> IPv4Address | IPv6Address | None:
    """The address that a request comes from.

    Without trusted proxies that is the peer. Behind one it is the last address in `X-Forwarded-For` that
    is not a trusted proxy itself: whatever stands before it was written by somebody we do not trust. None
    when the peer has no address, as over a Unix socket, or a trusted proxy wrote one that cannot be read.
    """
    here = _of_peer(peer)
    if here is None or not forwarded or not _among(here, trusted):
        return here
    for text in reversed(forwarded.split(",")):
        if not text.strip():
            continue  # RFC 9110, section 5.6.1.2: an empty element of a list counts for nothing
        here = _parse(_without_port(text.strip()))
        if here is None or not _among(here, trusted):
            return here
    return here


def is_trusted(peer: str | None, trusted: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether a peer is a trusted proxy, whose word counts for where a request comes from and what it asks."""
    here = _of_peer(peer)
    return here is not None and _among(here, trusted)


@lru_cache(1024)
def _of_peer(peer: str | None) -> IPv4Address | IPv6Address | None:
    """Of the same few again and again, and not what anybody could have written."""
    return _parse(peer)


def _parse(text: str | None) -> IPv4Address | IPv6Address | None:
    if text is None:
        return None
    try:
        return address(text)
    except InvalidValue:
        return None


def _without_port(text: str) -> str:
    found = _with_port(text)
    return text if found is None else found[1] or found[2]


def _among(ip: IPv4Address | IPv6Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(ip in network for network in networks)
