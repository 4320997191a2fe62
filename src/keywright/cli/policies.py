"""Policies in the words of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def in_words(scope: Sequence[dict[str, Any]] | None) -> str:
    """A scope on one line: `article:read, article:list on article:cs:**; keys:read on everything`."""
    if scope is None:
        return "all that its owner may"
    return "; ".join(_policy(one) for one in scope) or "nothing"


def roles_in_words(roles: Sequence[dict[str, Any]]) -> str:
    """Roles with the values of their variables on one line: `member, editor (language: cs, en)`."""
    return ", ".join(_role(one) for one in roles) or "none"


def _role(role: dict[str, Any]) -> str:
    given = "; ".join(f"{name}: {', '.join(values)}" for name, values in role["variables"].items())
    return f"{role['role']} ({given})" if given else str(role["role"])


def _policy(policy: dict[str, Any]) -> str:
    resources = policy.get("resources")
    where = "everything" if resources is None else ", ".join(resources)
    return f"{', '.join(policy['actions'])} on {where}"
