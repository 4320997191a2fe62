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


def _policy(policy: dict[str, Any]) -> str:
    resources = policy.get("resources")
    where = "everything" if resources is None else ", ".join(resources)
    return f"{', '.join(policy['actions'])} on {where}"
