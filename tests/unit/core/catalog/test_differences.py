"""What differs between two catalogs, and what a changed role takes away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.catalog import EMPTY, canonical, diff, lost, parse, to_plain
from keywright.core.permissions import Policies, Policy
from keywright.core.roles import PolicyTemplate, Role, values_of
from tests.support.catalogs import BLOG, blog, documents


def told(old: object, new: object) -> list[tuple[str, str, str, object, object]]:
    return [
        (one.section, one.name, one.kind.value, one.before, one.after) for one in diff(parse(old), parse(new))
    ]


def test_everything_is_added_to_nothing() -> None:
    added = diff(EMPTY, parse(BLOG))
    assert [(one.section, one.name) for one in added] == [
        ("strict", ""),
        ("actions", "article:publish"),
        ("actions", "article:read"),
        ("actions", "comment:delete"),
        ("resource_types", "article"),
        ("resource_types", "comment"),
        ("entities", "language"),
        ("entities", "language:cs"),
        ("entities", "language:en"),
        ("entities", "language:no"),
        ("entities", "site"),
        ("entities", "site:north"),
        ("roles", "editor"),
        ("roles", "moderator"),
        ("key_templates", "bare"),
        ("key_templates", "nightly"),
        ("routes", "* /comments/**"),
        ("routes", "GET|HEAD /articles/{language}/{number}"),
    ]
    assert [one.kind.value for one in added] == ["changed"] + ["added"] * 17
    removed = diff(parse(BLOG), EMPTY)
    assert [(one.section, one.name, one.before, one.after) for one in removed] == [
        (one.section, one.name, one.after, one.before) for one in added
    ]
    assert [one.kind.value for one in removed] == ["changed"] + ["removed"] * 17


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"strict": False}, [("strict", "", "changed", {"strict": True}, {"strict": False})]),
        (
            {"actions": [*BLOG["actions"][:2], {"name": "comment:delete", "group": "Comments"}]},
            [("actions", "comment:delete", "changed", {}, {"group": "Comments"})],
        ),
        (
            {"entities": BLOG["entities"] | {"site": [{"id": "south", "label": "South"}]}},
            [
                ("entities", "site:north", "removed", {}, None),
                ("entities", "site:south", "added", None, {"label": "South"}),
            ],
        ),
        (
            {"roles": BLOG["roles"] | {"moderator": {"policies": [{"actions": ["comment:delete"]}]}}},
            [
                (
                    "roles",
                    "moderator",
                    "changed",
                    {"policies": [{"actions": ["comment:*"]}]},
                    {"policies": [{"actions": ["comment:delete"]}]},
                )
            ],
        ),
        (
            {"key_templates": {"nightly": BLOG["key_templates"]["nightly"]}},
            [("key_templates", "bare", "removed", {}, None)],
        ),
        ({"tenant": "other"}, []),
        (
            {"routes": [{"match": "* /comments/**", "action": "article:read"}]},
            [
                (
                    "routes",
                    "* /comments/**",
                    "changed",
                    {"action": "comment:delete"},
                    {"action": "article:read"},
                ),
                (
                    "routes",
                    "GET|HEAD /articles/{language}/{number}",
                    "removed",
                    {"action": "article:read", "resource": "article:{language}:{number}"},
                    None,
                ),
            ],
        ),
        (
            {"routes": [BLOG["routes"][1], {"match": "GET /", "action": "article:read"}, BLOG["routes"][0]]},
            [
                (
                    "routes",
                    "",
                    "changed",
                    {"order": ["GET|HEAD /articles/{language}/{number}", "* /comments/**"]},
                    {"order": ["* /comments/**", "GET|HEAD /articles/{language}/{number}"]},
                ),
                ("routes", "GET /", "added", None, {"action": "article:read"}),
            ],
        ),
    ],
)
def test_each_difference_is_told_with_what_was_and_what_is(sections: dict[str, Any], expected: Any) -> None:
    assert told(BLOG, blog(**sections)) == expected


def test_a_role_that_is_taken_over_differs_even_where_it_stays_the_same() -> None:
    catalog = parse(BLOG)
    outside = {role.name: role for role in catalog.roles} | {"other": Role("other")}
    (editor, moderator) = diff(parse(blog(roles={})), catalog, outside)
    assert (editor.name, moderator.name) == ("editor", "moderator")
    for one in (editor, moderator):
        assert one.kind.value == "changed"
        assert one.before is not None
        assert one.after is not None
        assert (one.before["by_catalog"], one.after["by_catalog"]) == (False, True)
        assert {**one.before, "by_catalog": True} == one.after


@given(documents(), documents())
def test_there_is_no_difference_just_where_two_say_the_same(first: Any, second: Any) -> None:
    one, other = parse(first | {"tenant": None}), parse(second | {"tenant": None})
    assert (diff(one, other) == ()) is (canonical(one) == canonical(other))
    assert diff(one, parse(to_plain(one))) == ()


READER = PolicyTemplate.of(["article:read"], ["article:${language}:**"])


def test_a_role_without_a_successor_takes_everything_with_it() -> None:
    role = Role("editor", policies=(READER, PolicyTemplate.of(["comment:*"])))
    values = values_of({"language": ["cs", "en"]})
    assert lost(role, None, values) == role.expand(values)
    assert lost(role, role, values) == ()
    assert lost(role, None, ()) == (Policy.parse(["comment:*"]),)


def test_only_what_is_not_covered_any_more_is_lost() -> None:
    before = Role("editor", policies=(READER, PolicyTemplate.of(["comment:delete"])))
    after = Role(
        "editor",
        policies=(PolicyTemplate.of(["article:*"], ["article:cs:**"]), PolicyTemplate.of(["comment:*"])),
    )
    assert lost(before, after, values_of({"language": ["cs"]})) == ()
    assert lost(before, after, values_of({"language": ["cs", "en"]})) == (
        Policy.parse(["article:read"], ["article:cs:**", "article:en:**"]),
    )


texts = st.sampled_from(["a", "a:b", "a:*", "a:**", "*", "**", "b:${x}", "${x}"])
templates = st.lists(
    st.builds(
        PolicyTemplate.of,
        st.lists(texts, min_size=1, max_size=2),
        st.none() | st.lists(texts, min_size=1, max_size=2),
    ),
    max_size=3,
)


@given(templates, templates, st.lists(st.sampled_from(["a", "b"]), max_size=2))
def test_whoever_loses_nothing_may_do_all_that_was_allowed(
    before: Any, after: Any, given_values: list[str]
) -> None:
    old, new = Role("r", policies=tuple(before)), Role("r", policies=tuple(after))
    values = values_of({"x": given_values})
    gone = lost(old, new, values)
    held = Policies.compile(new.expand(values))
    names = ["a", "b", "a:b", "b:a", "b:b", "c", "a:b:c"]
    for policy in old.expand(values):
        if policy not in gone:
            assert all(
                held.allows(action, resource)
                for action in names
                for resource in (None, *names)
                if policy.allows(action, resource)
            )
