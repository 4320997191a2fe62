"""Roles: what variables stand for, and that a missing value never widens."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keywright.core.permissions import MAX_NAME, EmptyPolicy, InvalidPattern, Pattern, Policies, Policy
from keywright.core.roles import (
    ADMIN,
    DEPLOYER,
    GLOBAL_ROLES,
    LOGIN,
    MAX_VALUE,
    MEMBER,
    MONITOR,
    PROJECT_ADMIN,
    PROJECT_CREATOR,
    READ_ONLY,
    SUPER_ADMIN,
    TENANT_ROLES,
    PolicyTemplate,
    Role,
    Variable,
    built_in,
    check_pattern,
    is_built_in,
    is_role_name,
    is_value,
    is_variable_name,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Names


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (
            is_role_name,
            ["a", "0", "read_only", "a-b", "x" * 100],
            ["", "A", "_a", "-a", "a b", "a:b", "x" * 101, "á", "a\n"],
        ),
        (
            is_variable_name,
            ["a", "language", "l_2", "x" * 40],
            ["", "A", "0", "_", "2l", "a-b", "x" * 41, "á", "a\n"],
        ),
        (
            is_value,
            ["a", "A", "0", "a-b_c.d", "é", "日本", "😀", "x" * 100],
            ["", "a b", "a:b", "*", "a*", "$", "{", "}", "${a}", "\n", "\x7f", "\x85", "\ud800", "x" * 101],
        ),
    ],
)
def test_names_and_values(check: Callable[[str], bool], right: list[str], wrong: list[str]) -> None:
    assert [one for one in right if not check(one)] == []
    assert [one for one in wrong if check(one)] == []


@given(st.text(max_size=3))
def test_a_value_is_what_can_stand_in_one_segment(text: str) -> None:
    try:
        literal = Pattern.parse(text)
    except InvalidPattern:
        sound = False
    else:
        sound = "*" not in text and ":" not in text and literal.matches(text)
    assert is_value(text) is sound


def test_values_stand_in_one_order_and_once() -> None:
    assert values_of({"w": ["b", "a", "b"], "v": []}) == (("v", ()), ("w", ("b", "a")))
    assert values_of({"v": [], "w": iter(["b", "a"])}) == values_of({"w": ["b", "a"], "v": []})


# Patterns


@pytest.mark.parametrize(
    "text",
    ["a", "a:*", "**", "${v}", "a:${v}:**", "a-${v}", "${v}${w}", "*${v}*", "${v}:*:${v}", "a:${v_2}.x:b*"],
)
def test_sound_patterns(text: str) -> None:
    check_pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a::b",
        "a b",
        "$",
        "$v",
        "${}",
        "${V}",
        "${v",
        "{v}",
        "$${v}",
        "${v}}",
        "${${v}}",
        "${v w}",
        "${v:w}",
        "**${v}",
        "${v}**",
        "a:${v}:",
        ":".join(["${v}"] * 6),
        "x" * 413 + "${v}",
        ":".join(["a"] * 32 + ["${v}"]),
        "*:" * 16 + "${v}",
    ],
)
def test_unsound_patterns(text: str) -> None:
    with pytest.raises(InvalidPattern) as refused:
        check_pattern(text)
    assert text not in str(refused.value) or len(text) < 3
    for actions, resources in (([text], None), (["a"], [text])):
        with pytest.raises(InvalidPattern):
            PolicyTemplate.of(actions, resources)


@pytest.mark.parametrize(("actions", "resources"), [([], None), ([], ["a"]), (["a"], [])])
def test_a_policy_says_something(actions: list[str], resources: list[str] | None) -> None:
    with pytest.raises(EmptyPolicy):
        PolicyTemplate.of(actions, resources)


def test_a_pattern_may_be_as_long_as_its_longest_values_let_it() -> None:
    text = "x" * (MAX_NAME - MAX_VALUE) + "${v}"
    (policy,) = PolicyTemplate.of([text]).expand({"v": ("y" * MAX_VALUE,)})
    assert len(policy.actions[0].text) == MAX_NAME


# Expansion


SEGMENTS = st.sampled_from(
    ["a", "b", "*", "**", "${v}", "${w}", "a${v}", "${v}-${w}", "${v}${v}", "*${w}b", "$", "{"]
)
TEXTS = st.lists(SEGMENTS, min_size=1, max_size=4).map(":".join)
SOME_TEXTS = st.lists(TEXTS, min_size=1, max_size=3)
VALUE = st.text(max_size=3).filter(is_value) | st.sampled_from(["a", "b", "ab", "-", "x" * 100, "v", "w"])
VALUES = st.dictionaries(st.sampled_from(["v", "w", "x"]), st.lists(VALUE, max_size=3, unique=True))
NAMES = st.lists(st.sampled_from(["a", "b", "ab", "aa", "a-b"]), min_size=1, max_size=4).map(":".join)


@st.composite
def templates(draw: st.DrawFn) -> PolicyTemplate:
    actions, resources = draw(SOME_TEXTS), draw(st.none() | SOME_TEXTS)
    try:
        return PolicyTemplate.of(actions, resources)
    except InvalidPattern:
        assume(condition=False)
        raise


def slow(texts: Sequence[str], values: dict[str, list[str]]) -> list[str]:
    """What patterns stand for: for each choice of a value for every variable there is, the text with those values."""
    found: list[str] = []
    for text in texts:
        names = sorted(set(re.findall(r"\$\{(.*?)\}", text)))
        choices = itertools.product(*(values.get(name, []) for name in names))
        filled = {
            re.sub(r"\$\{(.*?)\}", lambda match: dict(zip(names, choice, strict=True))[match[1]], text)  # noqa: B023 - called at once
            for choice in choices
        }
        found += filled
    return found


def choices(template: PolicyTemplate, values: dict[str, list[str]]) -> Iterator[dict[str, list[str]]]:
    """The values with one at a time, or none where there is none, of each variable that stands on both sides."""
    doing, reaching = (
        {name for name in ("v", "w") if any(f"${{{name}}}" in text for text in texts)}
        for texts in (template.actions, template.resources or ())
    )
    bound = [values]
    for name in doing & reaching:
        bound = [
            {**one, name: some} for one in bound for some in ([[v] for v in values.get(name, [])] or [[]])
        ]
    yield from bound


@given(templates(), VALUES)
def test_a_template_stands_for_each_value(template: PolicyTemplate, values: dict[str, list[str]]) -> None:
    """And never raises, whatever legal values it is given."""
    expected: set[tuple[frozenset[str], frozenset[str] | None]] = set()
    size = 0
    for bound in choices(template, values):
        actions = slow(template.actions, bound)
        resources = None if template.resources is None else slow(template.resources, bound)
        size += len(actions) + len(resources or ())
        if actions and (resources is None or resources):
            expected.add((frozenset(actions), None if resources is None else frozenset(resources)))
    given = {name: tuple(some) for name, some in values.items()}
    found = template.expand(given)
    assert len(found) == len(set(found))
    assert {
        (
            frozenset(one.text for one in policy.actions),
            None if policy.resources is None else frozenset(one.text for one in policy.resources),
        )
        for policy in found
    } == expected
    assert template.size(given) == size


@given(templates(), VALUES)
def test_the_widest_covers_every_expansion(template: PolicyTemplate, values: dict[str, list[str]]) -> None:
    role = Role("editor", policies=(template,))
    assert Policies(role.widest()).first_uncovered(role.expand(values_of(values))) is None


@given(templates(), VALUES, st.sampled_from(["v", "w"]), NAMES, st.none() | NAMES)
def test_a_value_that_is_taken_away_never_widens(
    template: PolicyTemplate, values: dict[str, list[str]], name: str, action: str, resource: str | None
) -> None:
    role = Role("editor", policies=(template,))
    full = Policies(role.expand(values_of(values)))
    for fewer in (
        {one: some for one, some in values.items() if one != name},
        {**values, name: []},
        {**values, name: values.get(name, [])[1:]},
    ):
        less = role.expand(values_of(fewer))
        assert full.first_uncovered(less) is None
        assert full.allows(action, resource) or not Policies(less).allows(action, resource)


def test_a_policy_that_values_leave_nothing_of_is_left_out() -> None:
    role = Role(
        "editor",
        policies=(
            PolicyTemplate.of(["image:list"]),
            PolicyTemplate.of(["article:*"], ["article:${language}:**"]),
            PolicyTemplate.of(["${language}:read", "page:read"], ["page:1", "page:${language}"]),
        ),
    )
    assert role.expand(()) == (Policy.parse(["image:list"]), Policy.parse(["page:read"], ["page:1"]))
    assert role.expand(values_of({"language": ["cs", "en"], "other": ["x"]})) == (
        Policy.parse(["image:list"]),
        Policy.parse(["article:*"], ["article:cs:**", "article:en:**"]),
        Policy.parse(["cs:read", "page:read"], ["page:1", "page:cs"]),
        Policy.parse(["en:read", "page:read"], ["page:1", "page:en"]),
    )
    assert role.widest() == (
        Policy.parse(["image:list"]),
        Policy.parse(["article:*"], ["article:*:**"]),
        Policy.parse(["*:read", "page:read"], ["page:1", "page:*"]),
    )
    assert role.size(()) == 1 + 1 + 2
    assert role.size(values_of({"language": ["cs", "en"]})) == 1 + 3 + 4 + 4


def test_a_template_without_variables_is_its_policy() -> None:
    template = PolicyTemplate.of(["a:*"], ["b"])
    assert template.variables == frozenset()
    assert template.expand({}) == template.expand({"v": ("x",)}) == (template.fixed,)
    assert template.widest() is template.fixed
    assert template.fixed == Policy.parse(["a:*"], ["b"])


@pytest.mark.parametrize("resources", [None, ["article:${language}:**", "page:1"]])
def test_a_template_is_told_as_it_was_given(resources: list[str] | None) -> None:
    template = PolicyTemplate.of(["article:*", "${section}:read"], resources)
    plain = template.to_plain()
    assert plain == {
        "actions": ["article:*", "${section}:read"],
        **({} if resources is None else {"resources": resources}),
    }
    assert PolicyTemplate.of(plain["actions"], plain.get("resources")) == template
    assert template.variables == {"section", *(() if resources is None else ("language",))}


# Roles


def test_roles_are_equal_when_they_say_the_same() -> None:
    def made(name: str = "editor", description: str = "", variables: int = 1, action: str = "a") -> Role:
        return Role(
            name,
            description,
            tuple(Variable(f"v{number}") for number in range(variables)),
            (PolicyTemplate.of([action]),),
        )

    assert made() == made()
    assert hash(made()) == hash(made())
    others = [made("writer"), made(description="other"), made(variables=2), made(action="b")]
    assert made() not in others
    assert len({made(), made(), *others}) == 5


def test_built_in_roles_are_held_where_they_are_made_for() -> None:
    everywhere = {SUPER_ADMIN, MONITOR, PROJECT_CREATOR, PROJECT_ADMIN, LOGIN, DEPLOYER}
    assert set(GLOBAL_ROLES) == everywhere
    assert set(TENANT_ROLES) == {ADMIN, MEMBER, READ_ONLY}
    for name in (*GLOBAL_ROLES, *TENANT_ROLES):
        assert is_role_name(name)
        assert is_built_in(name)
        assert built_in(name, None) is GLOBAL_ROLES.get(name)
        assert built_in(name, "ten_a") is TENANT_ROLES.get(name)
    assert not is_built_in("editor")
    assert built_in("editor", None) is built_in("editor", "ten_a") is None


@pytest.mark.parametrize("role", [*GLOBAL_ROLES.values(), *TENANT_ROLES.values()], ids=lambda one: one.name)
def test_a_built_in_role_needs_no_values(role: Role) -> None:
    assert role.description.endswith(".")
    assert role.variables == ()
    assert role.expand(()) == role.widest()
    assert (role.widest() == ()) is (role.name == LOGIN)


@pytest.mark.parametrize("role", [GLOBAL_ROLES[MONITOR], TENANT_ROLES[READ_ONLY]], ids=lambda one: one.name)
def test_a_reader_announces_no_agent(role: Role) -> None:
    policies = Policies(role.expand(()))
    assert policies.allows("agents:read")
    assert not policies.allows("agents:register")


def test_a_member_looks_around_and_manages_keys_of_its_own() -> None:
    policies = Policies(TENANT_ROLES[MEMBER].expand(()))
    for allowed in ("keys:own:create", "keys:own:delete", "tenants:read", "roles:read", "catalog:read"):
        assert policies.allows(allowed)
    for allowed in ("agents:register", "agents:own:read"):
        assert policies.allows(allowed)
    for refused in (
        "keys:create",
        "keys:read",
        "agents:read",
        "identities:update",
        "roles:create",
        "audit:read",
        "tenants:update",
    ):
        assert not policies.allows(refused)
    creator = Policies(GLOBAL_ROLES[PROJECT_CREATOR].expand(()))
    assert creator.allows("tenants:create")
    assert not creator.allows("tenants:read")


def test_a_project_admin_administers_tenants_and_not_the_installation() -> None:
    held = Policies(GLOBAL_ROLES[PROJECT_ADMIN].expand(()))
    for allowed in ("keys:create", "keys:own:read", "identities:update", "roles:update", "catalog:update"):
        assert held.allows(allowed)
    for allowed in ("agents:read", "usage:read", "audit:read", "tenants:update", "sessions:create"):
        assert held.allows(allowed)
    for refused in ("tenants:create", "tenants:delete", "nodes:read", "audit:write", "article:read"):
        assert not held.allows(refused)
    admin = GLOBAL_ROLES[PROJECT_ADMIN].widest()
    for name in (SUPER_ADMIN, MONITOR, PROJECT_CREATOR):
        assert held.first_uncovered(GLOBAL_ROLES[name].widest()) is not None
    for name in (PROJECT_ADMIN, LOGIN, DEPLOYER):
        assert held.first_uncovered(GLOBAL_ROLES[name].widest()) is None
    assert held.first_uncovered(TENANT_ROLES[ADMIN].widest()) is not None
    assert held.first_uncovered(TENANT_ROLES[READ_ONLY].widest()) is not None
    assert Policies(GLOBAL_ROLES[DEPLOYER].expand(())).first_uncovered(admin) is not None
