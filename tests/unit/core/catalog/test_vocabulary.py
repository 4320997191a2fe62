"""What a strict vocabulary lets pass and what it refuses, with the place and the nearest known name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.catalog import LENIENT, Vocabulary, parse
from keywright.core.catalog.vocabulary import Search
from keywright.core.errors import UnknownAction, UnknownEntity
from keywright.core.own_actions import OWN_ACTIONS, OWN_RESOURCE_TYPES
from keywright.core.permissions import Pattern, Policy
from keywright.core.roles import GLOBAL_ROLES, TENANT_ROLES, PolicyTemplate, Variable
from tests.support.catalogs import BLOG, blog

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOGGING = Vocabulary.of(parse(BLOG))
LANGUAGE = Variable("language", "language")


def policies(actions: Sequence[str], *resources: str) -> list[Policy]:
    return [Policy.parse(["article:read"]), Policy.parse(actions, resources or None)]


@pytest.mark.parametrize(
    "action",
    [
        "article:read",
        "article:*",
        "*:delete",
        "art*:**",
        "comment:delete:**",
        "**",
        "**:publish",
        "keys:create",
        "keys:own:*",
        "usage:**",
    ],
)
def test_known_actions_and_patterns_that_match_one_pass(action: str) -> None:
    BLOGGING.check_policies(policies([action]))


@pytest.mark.parametrize(
    ("action", "nearest"),
    [
        ("article:reed", "article:read"),
        ("article", "article:read"),
        ("articles:*", "article:read"),
        ("comment:*:x", "comment:delete"),
        ("keys:craete", "keys:create"),
        ("zzz", None),
    ],
)
def test_unknown_actions_are_refused_with_the_nearest(action: str, nearest: str | None) -> None:
    with pytest.raises(UnknownAction) as caught:
        BLOGGING.check_policies(policies(["article:read", action]))
    error = caught.value
    assert (type(error), error.field, error.nearest) == (UnknownAction, "scope.1.actions.1", nearest)
    assert error.extras == ({} if nearest is None else {"nearest": nearest})
    assert error.detail.endswith("this action." if nearest is None else f"it knows is {nearest}.")


@pytest.mark.parametrize(
    "resource",
    [
        "article",
        "article:cs",
        "article:cs:anything:else",
        "article:*:42",
        "article:c*:42",
        "article:**:42",
        "comment:whatever",
        "language:cs",
        "language:*",
        "site:north:zz",
        "**",
        "*:zz",
        "key:key_1",
        "identity:x",
    ],
)
def test_known_resources_pass(resource: str) -> None:
    BLOGGING.check_policies(policies(["article:read"], "article:cs", resource))


@pytest.mark.parametrize(
    ("resource", "nearest"),
    [
        ("artikel:cs", "article"),
        ("book", None),
        ("article:cz:42", "cs"),
        ("article:zz", None),
        ("language:cz", "cs"),
        ("site:south:1", "north"),
        ("site:zzz", None),
    ],
)
def test_unknown_resources_are_refused_with_the_nearest(resource: str, nearest: str | None) -> None:
    with pytest.raises(UnknownEntity) as caught:
        BLOGGING.check_policies(policies(["article:read"], "article:cs", resource), "given.policies")
    assert (caught.value.field, caught.value.nearest) == ("given.policies.1.resources.1", nearest)


def test_the_first_segment_is_free_where_no_resource_types_are_named() -> None:
    vocabulary = Vocabulary.of(parse(blog(resource_types=None)))
    vocabulary.check_policies(policies(["article:read"], "book:zz"))
    with pytest.raises(UnknownEntity, match="id of the type language"):
        vocabulary.check_policies(policies(["article:read"], "language:zz"))


def test_a_type_of_resource_and_of_entity_has_the_entity_s_ids_behind_it() -> None:
    plain = {
        "strict": True,
        "actions": [{"name": "read"}],
        "resource_types": [{"name": "site", "segments": ["part", "language"]}],
        "entities": {"site": [{"id": "north"}], "language": [{"id": "cs"}]},
    }
    vocabulary = Vocabulary.of(parse(plain))
    vocabulary.check_policies([Policy.parse(["read"], ["site:north:cs", "site:north:*"])])
    for wrong in ("site:cs:cs", "site:north:en"):
        with pytest.raises(UnknownEntity):
            vocabulary.check_policies([Policy.parse(["read"], [wrong])])


def test_variables_stand_for_anything() -> None:
    BLOGGING.check_policies(
        [
            PolicyTemplate.of(["article:${verb}"], ["article:${language}:x", "${kind}:zz"]),
            PolicyTemplate.of(["article:read"], ["article:c${rest}"]),
        ]
    )
    with pytest.raises(UnknownAction) as caught:
        BLOGGING.check_policies([PolicyTemplate.of(["article:read", "book:${verb}"])], "policies")
    assert caught.value.field == "policies.0.actions.1"
    with pytest.raises(UnknownEntity) as refused:
        BLOGGING.check_policies([PolicyTemplate.of(["article:read"], ["article:cz:${x}"])], "policies")
    assert refused.value.field == "policies.0.resources.0"


def test_values_of_a_variable_are_ids_that_are_known() -> None:
    BLOGGING.check_values(LANGUAGE, ["cs", "no"], "variables.language")
    BLOGGING.check_values(Variable("part"), ["zz"], "variables.part")
    assert BLOGGING.knows_values(LANGUAGE, [])
    with pytest.raises(UnknownEntity) as caught:
        BLOGGING.check_values(LANGUAGE, ["cs", "cz"], "variables.language")
    assert (caught.value.field, caught.value.nearest) == ("variables.language.1", "cs")
    with pytest.raises(UnknownEntity):
        BLOGGING.check_values(Variable("x", "planet"), ["earth"], "variables.x")


def test_a_variable_s_type_of_entity_is_one_that_is_known() -> None:
    BLOGGING.check_variable(LANGUAGE, "variables.0.entity")
    BLOGGING.check_variable(Variable("part"), "variables.0.entity")
    with pytest.raises(UnknownEntity) as caught:
        BLOGGING.check_variable(Variable("x", "langauge"), "variables.0.entity")
    assert (caught.value.field, caught.value.nearest) == ("variables.0.entity", "language")


@pytest.mark.parametrize(
    "vocabulary", [LENIENT, Vocabulary.of(parse(blog(strict=False)))], ids=["none", "lenient"]
)
def test_everything_passes_where_nothing_is_strict(vocabulary: Vocabulary) -> None:
    vocabulary.check_policies(policies(["zz"], "zz:zz"))
    vocabulary.check_values(LANGUAGE, ["zz"], "x")
    vocabulary.check_variable(Variable("x", "planet"), "x")
    assert vocabulary.knows_values(LANGUAGE, ["zz"])


def test_built_in_roles_name_own_actions() -> None:
    strict = Vocabulary.of(parse({"strict": True}))
    for role in (*GLOBAL_ROLES.values(), *TENANT_ROLES.values()):
        strict.check_policies(role.policies)
    strict.check_policies([Policy.parse(sorted(OWN_ACTIONS), sorted(OWN_RESOURCE_TYPES))])


parts = st.sampled_from(["a", "b", "ab", "*", "**", "a*"])


@given(
    known=st.sets(
        st.lists(st.sampled_from(["a", "b", "ab", "c"]), min_size=1, max_size=3).map(":".join), max_size=5
    ),
    wanted=st.lists(parts, min_size=1, max_size=3).map(":".join),
)
def test_a_pattern_is_known_where_any_known_action_matches(known: set[str], wanted: str) -> None:
    """Against the plain definition: try each known action."""
    vocabulary = Vocabulary(strict=True, actions=tuple(sorted(known)))
    refused = bool(list(vocabulary.unknown([Policy.parse([wanted])], "scope")))
    assert refused is not any(Pattern.parse(wanted).matches(name) for name in known)


def test_the_search_for_the_nearest_is_bounded() -> None:
    known = ["abce", "zzzz"]
    search = Search(work=2 * 502)
    assert [search.nearest("abcd", known) for _ in range(3)] == ["abce", "abce", None]
    assert Search().nearest("abcd", []) is None
    assert Search().nearest("a" * 100, ["a" * 101]) == "a" * 101
    assert Search().nearest("a" * 101, ["a" * 100]) is None


def test_the_nearest_is_found_among_many() -> None:
    known = {f"article:{word}{number}" for word in ("read", "write") for number in range(500)} | {
        "article:raed"
    }
    for wrong in ("article:rae", "rticle:raed", "article:rxed", "artcile:raed"):
        assert Search().nearest(wrong, known) == "article:raed"


def test_the_trials_of_patterns_are_bounded_and_past_them_a_pattern_counts_as_known() -> None:
    actions = tuple(sorted(f"a{number}" for number in range(10)))
    search = Search(trials=20)
    wanted = Pattern.parse("*z")
    assert [search.any_fits(wanted, actions) for _ in range(3)] == [False, False, True]
    assert not Search(trials=0).any_fits(Pattern.parse("b*"), actions)
