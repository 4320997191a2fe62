"""What reads the connections of a server whose answers may be given again."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import asyncio


def quick_protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    """The protocol that gives answers again; uvicorn's own choice where the library is missing that it needs."""
    if find_spec("httptools") is None:
        return "auto"
    from keywright.cli.protocol import QuickProtocol  # noqa: PLC0415 - it needs httptools

    return QuickProtocol
