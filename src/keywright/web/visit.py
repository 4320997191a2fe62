"""What is known of one HTTP request before any door sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from keywright.core.errors import MalformedRequest

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
        """The value of a header (its name in lower case), or None.

        Raises `MalformedRequest` for a repeated one: it would be a guess which of them is meant, and a proxy
        may have judged by another than we would.
        """
        value: bytes | None = None
        for found, given in self.headers:
            if found == name:
                if value is not None:
                    raise MalformedRequest("This header is there twice.", field=name.decode().title())
                value = given
        return None if value is None else value.decode("latin-1")

    def listed(self, name: bytes) -> str | None:
        """The value of a header that may be repeated, which means the same as one with commas; None without."""
        values = [value for found, value in self.headers if found == name]
        return b",".join(values).decode("latin-1") if values else None

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
