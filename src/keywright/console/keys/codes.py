"""What is done to lists of keys and to several of them, as a program would do it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from keywright.console.code import Graph, Rest
from keywright.console.keys.filters import as_rest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.core.listing import KeyQuery

MOST: Final = 50
"""Keys of which an action is shown as code."""
_LIST: Final = """\
query ($first: Int, $after: String, $filter: ApiKeyFilter, $orderBy: ApiKeyOrder) {
  apiKeys(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    nodes { id name hint state expiresAt lastUsedAt owner { name } }
    pageInfo { hasNextPage endCursor }
  }
}"""
_DELETE: Final = """\
mutation ($ids: [ID!]!) {
  deleteApiKeys(input: {ids: $ids}) {
    deletedIds
    receipt { epoch waitedMs }
  }
}"""
_SWITCHES: Final = {"ends": ("--never-ends", "--ends"), "used": ("--never-used", "--used")}


def list_code(ask: Ask, query: KeyQuery, cursor: str) -> Code:
    """The list that is shown."""
    asked = as_rest(query) | ({"cursor": cursor} if cursor else {})
    path = "/v1/keys?" + urlencode({name: _text(value) for name, value in asked.items()})
    cli = ["keys", "list"]
    for name, value in asked.items():
        if name in _SWITCHES:
            cli.append(_SWITCHES[name][value])
        else:
            option = {"identity_id": "identity"}.get(name, name.replace("_", "-"))
            cli.append(f"--{option}={_text(value)}")
    return ask.code(rest=Rest("GET", path), graph=Graph(_LIST, _variables(asked)), cli=cli)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _variables(asked: dict[str, Any]) -> dict[str, Any]:
    spans = {
        name: {end: asked[f"{field}_{end}"] for end in ("since", "until") if f"{field}_{end}" in asked}
        for name, field in (("created", "created"), ("expires", "expires"), ("lastUsed", "last_used"))
    }
    narrowing: dict[str, Any] = {
        "search": asked.get("search"),
        "states": [asked["state"].upper()] if "state" in asked else None,
        "identityId": asked.get("identity_id"),
        "ends": asked.get("ends"),
        "used": asked.get("used"),
        **spans,
    }
    found: dict[str, Any] = {
        "first": asked["limit"],
        "after": asked.get("cursor"),
        "filter": {name: value for name, value in narrowing.items() if value not in (None, {})},
        "orderBy": {"field": asked["sort"].upper(), "direction": asked["order"].upper()},
    }
    return {name: value for name, value in found.items() if value not in (None, {})}


def delete_code(ask: Ask, ids: Sequence[str]) -> Code | None:
    """The deletion of some keys; None where they are too many to be shown."""
    if len(ids) > MOST:
        return None
    made = ask.code(
        rest=Rest("DELETE", f"/v1/keys/{ids[0]}"),
        graph=Graph(_DELETE, {"ids": list(ids)}),
        cli=["keys", "delete", *ids, "--yes"],
    )
    return _for_each(made, ids)


def switch_code(ask: Ask, ids: Sequence[str], *, active: bool) -> Code | None:
    """Disabling or enabling some keys; None where they are too many to be shown."""
    if len(ids) > MOST:
        return None
    declared = ", ".join(f"$key{number}: UpdateApiKeyInput!" for number in range(1, len(ids) + 1))
    fields = "\n".join(
        f"  key{number}: updateApiKey(input: $key{number}) {{ apiKey {{ id state }} }}"
        for number in range(1, len(ids) + 1)
    )
    variables = {f"key{number}": {"id": one, "active": active} for number, one in enumerate(ids, 1)}
    made = ask.code(
        rest=Rest("PATCH", f"/v1/keys/{ids[0]}", {"active": active}),
        graph=Graph(f"mutation ({declared}) {{\n{fields}\n}}", variables),
        cli=["keys", "enable" if active else "disable", *ids],
    )
    return _for_each(made, ids)


def _for_each(code: Code, ids: Sequence[str]) -> Code:
    """The same with curl for each of several keys, since REST changes them one by one."""
    if len(ids) == 1:
        return code
    lines = code.curl.replace(ids[0], "$key", 1).replace("\n", "\n  ")
    return replace(code, curl=f"for key in {shlex.join(ids)}; do\n  {lines}\ndone")
