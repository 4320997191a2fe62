"""A change of a key as code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.console.code import Code
    from keywright.console.keys.subject import Subject

_DOCUMENT: Final = """
mutation ($input: UpdateApiKeyInput!) {
  updateApiKey(input: $input) { apiKey { id name state } receipt { epoch waitedMs } }
}
"""
_NAMES: Final = {
    "not_before": "notBefore",
    "expires_at": "expiresAt",
    "allowed_cidrs": "allowedCidrs",
    "window_seconds": "windowSeconds",
}
_OPTIONS: Final = {"not_before": "not-before", "expires_at": "expires"}
_CLEAR: Final = {
    "description": "description",
    "metadata": "metadata",
    "handle": "handle",
    "not_before": "not-before",
    "expires_at": "expires",
    "scope": "scope",
    "allowed_cidrs": "cidr",
    "limits": "limit",
    "credits": "credits",
}


def change_code(subject: Subject, body: Mapping[str, Any]) -> Code:
    """A change of a key, given as the REST door has it, in its three forms."""
    key_id = subject.key.id
    return subject.ask.code(
        rest=Rest("PATCH", f"/v1/keys/{key_id}", dict(body)),
        graph=Graph(_DOCUMENT, {"input": {"id": key_id, **graph_input(body)}}),
        cli=["keys", "update", key_id, *options_of(body)],
    )


def graph_input(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a change as GraphQL has them; metadata is the reader's own, and stays as it is."""
    return {
        _NAMES.get(name, name): value if name == "metadata" else _graph(value) for name, value in body.items()
    }


def _graph(value: object) -> object:
    if isinstance(value, list):
        return [_graph(one) for one in value]
    if isinstance(value, dict):
        return {
            _NAMES.get(name, name): str(one).upper() if name == "every" else _graph(one)
            for name, one in value.items()
        }
    return value


def options_of(body: Mapping[str, Any]) -> list[str]:
    """The fields of a change as the command line has them."""
    return [word for name, value in body.items() for word in _options(name, value)]


def _options(name: str, value: Any) -> Sequence[str]:  # noqa: ANN401 - each field has its own kind of value
    if value is None or (name in ("description", "metadata") and not value):
        return ["--clear", _CLEAR[name]]
    if name == "limits":
        each = [f"{one['name']}={one['limit']}/{one['window_seconds']}s" for one in value]
        return [word for text in each for word in ("--limit", text)] or ["--no-limits"]
    if name == "allowed_cidrs":
        return [word for one in value for word in ("--cidr", one)]
    if name == "credits":
        return _credits_options(value)
    if name in ("scope", "metadata"):
        return [f"--{name}", json.dumps(value, ensure_ascii=False)]
    return [f"--{_OPTIONS.get(name, name)}", value]


def _credits_options(value: Mapping[str, Any]) -> list[str]:
    refill = value.get("refill")
    filled = [] if refill is None else ["--refill", f"{refill['amount']}/{refill['every']}"]
    return ["--credits", str(value["remaining"]), *filled]
