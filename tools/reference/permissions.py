"""The reference of Keywright's own permissions: in words, and what each opens at each door."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from keywright.api.graphql.fields import UseCaseField
from keywright.api.graphql.schema import build_schema
from keywright.api.rest.door import RestDoor
from keywright.console.picker.own import NARROWED, OWN_GROUPS
from keywright.core.permissions import compile_policies
from keywright.core.roles import GLOBAL_ROLES, TENANT_ROLES
from keywright.services.decisions import VERIFY
from keywright.services.relay.serving import RUN
from keywright.services.work import Reach
from tools.reference.text import code, marked, table

if TYPE_CHECKING:
    from keywright.core.roles import Role
    from keywright.services.work import UseCase

INTRODUCTION = """\
# All permissions of Keywright itself

Each action by which Keywright guards its own calls: what it comes to in words, every call that it opens, and the
built-in roles that hold it. An action with `own` in it opens a call for what belongs to the caller alone.
[Permissions](../permissions.md) explains roles, scopes and patterns.
"""
BESIDE = {
    VERIFY: ("POST /v1/verify", "POST /v1/verify/batch", "POST /v1/introspect"),
}
"""The calls that run no use case."""
OTHER = {RUN: (("agents", "`POST /v1/relay`, together with `keys:verify`"),)}
"""What else an action opens: for what, and which calls."""


Calls = dict[str, dict[str, list[str]]]
"""The calls that each action opens, by door."""


def text() -> str:
    """Return the page."""
    found, roles = calls(), {**GLOBAL_ROLES, **TENANT_ROLES}
    lines = [INTRODUCTION]
    for group in OWN_GROUPS:
        lines += [f"## {group.name}", ""]
        for action, words in group.actions:
            holders = [code(name) for name, role in roles.items() if may(role, action)]
            lines += [f"### {action}", "", f"{marked(words)}.{narrowed(action)}", ""]
            rows = [(door, ", ".join(them)) for door, them in found[action].items() if them]
            lines += table(("door", "what it opens"), [*rows, *OTHER.get(action, ())])
            lines += [f"Built-in roles that hold it: {', '.join(holders)}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def may(role: Role, action: str) -> bool:
    """Return whether a role allows an action, on whatever."""
    return compile_policies(role.widest()).allows(action)


def narrowed(action: str) -> str:
    """Return what is said of an action that can be held for single things."""
    return " It can be held for single keys, as `key:<id>`." if action in NARROWED else ""


def calls() -> Calls:
    """Return what each action opens at each door."""
    found: Calls = defaultdict(lambda: {"REST": [], "GraphQL": []})
    for (method, path), use in RestDoor(cast("Any", None), "").declared.items():
        note(found, use, "REST", rest(f"{method} /v1{path}"))
    for action, paths in BESIDE.items():
        found[action]["REST"] += map(rest, paths)
    schema = build_schema()
    for word, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            if isinstance(field.resolve, UseCaseField):
                note(
                    found,
                    field.resolve.use,
                    "GraphQL",
                    f"[{code(name)}](graphql.md#{anchor(f'{word} {name}')})",
                )
    found[VERIFY]["GraphQL"].append(f"[{code('verify')}](graphql.md#query-verify)")
    return found


def note(found: Calls, use: UseCase[Any, Any], door: str, call: str) -> None:
    """Note that the actions of a use case open a call."""
    everywhere = " over the whole installation" if use.reach is Reach.INSTALLATION else ""
    for action in {use.permission, use.own} - {None}:
        found[cast("str", action)][door].append(call + everywhere)


def rest(call: str) -> str:
    """Return a link to a call of REST."""
    return f"[{code(call)}](rest.md#{anchor(call)})"


def anchor(heading: str) -> str:
    """Return the anchor that a forge gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
