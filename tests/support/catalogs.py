"""Catalogs for tests: one that says something in every section, and random ones."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

BLOG: dict[str, Any] = {
    "tenant": "acme",
    "strict": True,
    "actions": [
        {"name": "article:read", "group": "Articles", "description": "Read articles"},
        {"name": "article:publish", "group": "Articles"},
        {"name": "comment:delete"},
    ],
    "resource_types": [
        {"name": "article", "description": "What is read", "segments": ["language", "number"]},
        {"name": "comment"},
    ],
    "entities": {
        "language": [{"id": "cs", "label": "Czech"}, {"id": "en", "label": "English"}, {"id": "no"}],
        "site": [{"id": "north"}],
    },
    "roles": {
        "editor": {
            "description": "Writes in given languages",
            "variables": {"language": {"entity": "language"}, "part": {"description": "Any text"}},
            "policies": [
                {"actions": ["article:*"], "resources": ["article:${language}:**"]},
                {"actions": ["comment:delete"], "resources": ["comment:${part}-*"]},
            ],
        },
        "moderator": {"policies": [{"actions": ["comment:*"]}]},
    },
    "key_templates": {
        "nightly": {
            "description": "Exports",
            "scope": [{"actions": ["article:read"], "resources": ["article:cs:**"]}],
            "expires_in": "90d",
            "allowed_cidrs": ["10.0.0.0/8"],
            "metadata": {"team": "search"},
            "limits": [{"name": "burst", "limit": 100, "window_seconds": 1}],
            "credits": {"remaining": 1000, "refill": {"amount": 1000, "every": "day"}},
            "prefix": "acme",
        },
        "bare": {},
    },
    "routes": [
        {
            "match": "GET|HEAD /articles/{language}/{number}",
            "action": "article:read",
            "resource": "article:{language}:{number}",
        },
        {"match": "* /comments/**", "action": "comment:delete"},
    ],
}
"""A strict catalog of the tenant `acme`."""


def blog(**sections: Any) -> dict[str, Any]:
    """A copy of `BLOG` with other sections; a section that is None is left out."""
    plain = copy.deepcopy(BLOG) | sections
    return {name: value for name, value in plain.items() if value is not None}


SEGMENTS = st.sampled_from(
    ["a", "article", "no", "42", "1.5", "true", "null", "~", "é", "x-y", "1e3", "🗝", "="]
)
NAMES = st.lists(SEGMENTS, min_size=1, max_size=3).map(":".join)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30),
    st.sampled_from(
        ["two\nlines", "ends\n", " \tspaces \n", "#", "- a", "yes: no", "🗝", "'\"\\", "null", "12:30"]
    ),
)
KEYS = st.sampled_from(["a", "no", "on", "editor", "x_y", "z9", "y"])
VARIABLES = st.sampled_from(["no", "lang", "y", "x_1"])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Random catalogs that are not strict, as plain data."""
    types = draw(st.lists(KEYS, unique=True, max_size=3))
    labelled = st.fixed_dictionaries({"id": SEGMENTS}, optional={"label": _labels()})
    return {
        "tenant": draw(st.none() | st.just("acme")),
        "strict": False,
        "actions": draw(
            st.lists(
                st.fixed_dictionaries({"name": NAMES}, optional={"group": _labels(), "description": TEXTS}),
                unique_by=lambda one: one["name"],
                max_size=3,
            )
        ),
        "resource_types": draw(
            st.lists(
                st.fixed_dictionaries(
                    {"name": SEGMENTS},
                    optional={"description": TEXTS, "segments": st.lists(SEGMENTS, max_size=3)},
                ),
                unique_by=lambda one: one["name"],
                max_size=3,
            )
        ),
        "entities": {
            kind: draw(st.lists(labelled, unique_by=lambda one: one["id"], max_size=3)) for kind in types
        },
        "roles": draw(st.dictionaries(KEYS, _roles(types), max_size=3)),
        "key_templates": draw(st.dictionaries(KEYS, _templates(), max_size=3)),
        "routes": draw(st.lists(_routes(), unique_by=lambda one: one["match"], max_size=3)),
    }


def _labels() -> st.SearchStrategy[str]:
    return TEXTS.map(lambda text: " ".join(text.split()))


@st.composite
def _roles(draw: st.DrawFn, types: list[str]) -> dict[str, Any]:
    known = {"entity": st.sampled_from(types)} if types else {}
    kinds: st.SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
        {}, optional={"description": TEXTS, **known}
    )
    variables = draw(st.dictionaries(VARIABLES, kinds, max_size=2))
    patterns = st.one_of(
        NAMES,
        NAMES.map(lambda name: f"{name}:**"),
        st.sampled_from([f"x:${{{name}}}" for name in variables] or ["*"]),
    )
    return {"description": draw(TEXTS), "variables": variables, "policies": draw(_policies(patterns))}


def _policies(patterns: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    some = st.lists(patterns, min_size=1, max_size=3)
    return st.lists(st.fixed_dictionaries({"actions": some}, optional={"resources": some}), max_size=2)


def _routes() -> st.SearchStrategy[dict[str, Any]]:
    """Routes of which none takes what another one would."""
    resources = st.sampled_from(["x:{a}", "{a}:x-{a}", "x"])
    matches = st.sampled_from(["GET /a/{a}", "PUT|POST /é/{a}/", "* /b:c/{a}/d"])
    return st.fixed_dictionaries({"match": matches, "action": NAMES}, optional={"resource": resources})


def _templates() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "description": TEXTS,
            "scope": _policies(NAMES),
            "expires_in": st.integers(1, 10_000_000) | st.sampled_from(["90d", "12h", "5m", "2w", "7s"]),
            "allowed_cidrs": st.just(["10.0.0.0/8", "2001:db8::/32"]),
            "metadata": st.dictionaries(
                TEXTS,
                st.recursive(st.none() | st.booleans() | st.integers(-99, 99) | TEXTS, st.lists),
                max_size=3,
            ),
            "prefix": st.sampled_from(["acme", "y", "no"]),
        },
    )
