"""What is known of one HTTP request before any door sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_SLOT = "keywright.visit"


@dataclass(slots=True)
class Visit:
    """One request: its id, the address it came from (None when it has none), its body and its headers."""

    request_id: str
    ip: IPv4Address | IPv6Address | None
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""

    def header(self, name: bytes) -> str | None:
        """The value of a header (its name in lower case), or None; of a repeated one the first."""
        for found, value in self.headers:
            if found == name:
                return value.decode("latin-1")
        return None

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
