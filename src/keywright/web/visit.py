"""What is known of one HTTP request before any door sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from keywright.core.errors import MalformedRequest

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_SLOT = "keywright.visit"


@dataclass(slots=True)
class Visit:
    """One request: its id, the address it came from (None when it has none), its headers and its body."""

    request_id: str
    ip: IPv4Address | IPv6Address | None
    headers: list[tuple[bytes, bytes]] = field(repr=False)  # a credential is among them
    body: bytes = field(default=b"", repr=False)
    _by_name: dict[bytes, bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._by_name = dict(self.headers)

    def header(self, name: bytes) -> str | None:
        """The value of a header (its name in lower case), or None.

        Raises `MalformedRequest` for a repeated one: it would be a guess which of them is meant, and a proxy
        may have judged by another than we would.
        """
        value = self._by_name.get(name)
        if value is None:
            return None
        if len(self._values(name)) > 1:
            raise MalformedRequest("This header is there twice.", field=name.decode().title())
        return value.decode("latin-1")

    def listed(self, name: bytes) -> str | None:
        """The value of a header that may be repeated, which means the same as one with commas; None without."""
        return b",".join(self._values(name)).decode("latin-1") if name in self._by_name else None

    def _values(self, name: bytes) -> list[bytes]:
        if len(self._by_name) == len(self.headers):
            return [self._by_name[name]]
        return [value for found, value in self.headers if found == name]

    @property
    def ip_text(self) -> str | None:
        """The address as text."""
        return None if self.ip is None else str(self.ip)


def attach(scope: Any, visit: Visit) -> None:  # noqa: ANN401 - an ASGI scope is a plain dictionary
    """Put a visit on its ASGI scope."""
    scope[_SLOT] = visit


def visit_of(scope: Any) -> Visit:  # noqa: ANN401 - an ASGI scope is a plain dictionary
    """The visit on an ASGI scope."""
    return cast("Visit", scope[_SLOT])
