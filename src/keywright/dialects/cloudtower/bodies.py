"""Bodies: JSON objects, and not deeper than anything that is asked here."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keywright.core.errors import MalformedRequest

MAX_DEPTH: Final = 40
"""How deep arrays and objects may stand in each other; what reads them walks down by calling itself."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def json_object(body: bytes) -> dict[str, Any]:
    """The object in a body. Raises `MalformedRequest`."""
    try:
        found = _decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise MalformedRequest("The body is a JSON object.") from None
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return found
    raise MalformedRequest(f"The body is at most {MAX_DEPTH} levels deep.")


def _inside(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in held if isinstance(one, dict | list)]
