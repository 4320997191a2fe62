"""What two lists of policies allow together: never more than both, and all of it where patterns can say it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.permissions import Pattern, Policies, Policy
from keywright.core.permissions.meeting import meet

literals = st.text("xy", min_size=1, max_size=2)
parts = st.one_of(literals, st.sampled_from(["x*", "*y", "*"]), st.just("*"), st.just("**"))
texts = st.lists(parts, min_size=1, max_size=4).map(":".join)
resources = st.none() | st.lists(texts, min_size=1, max_size=2)
policies = st.builds(Policy.parse, st.lists(texts, min_size=1, max_size=2), resources)
lists = st.lists(policies, max_size=3)
names = st.lists(literals, min_size=1, max_size=4).map(":".join)
NAMES = [":".join(parts) for size in (1, 2, 3) for parts in product(("x", "y"), repeat=size)]


def of(*policies: tuple[list[str], list[str] | None]) -> tuple[Policy, ...]:
    return tuple(Policy.parse(actions, resources) for actions, resources in policies)


def allowed(policies: tuple[Policy, ...] | list[Policy]) -> set[tuple[str, str | None]]:
    """What is allowed of some short names."""
    compiled = Policies.compile(policies)
    return {
        (action, resource)
        for action in NAMES[:6]
        for resource in (None, *NAMES)
        if compiled.allows(action, resource)
    }


@given(lists, lists)
def test_what_meets_is_covered_by_both(one: list[Policy], other: list[Policy]) -> None:
    for policy in meet(one, other):
        assert Policies.compile(one).covers(policy)
        assert Policies.compile(other).covers(policy)


@given(lists, lists)
def test_what_meets_allows_nothing_that_one_does_not(one: list[Policy], other: list[Policy]) -> None:
    assert allowed(meet(one, other)) <= allowed(one) & allowed(other)


@given(lists, lists)
def test_it_does_not_matter_which_comes_first(one: list[Policy], other: list[Policy]) -> None:
    assert allowed(meet(one, other)) == allowed(meet(other, one))


def comparable(one: list[Policy], other: list[Policy]) -> bool:
    """Whether of each two patterns one covers the other."""
    pairs = [
        pair
        for left, right in product(one, other)
        for pair in (
            *product(left.actions, right.actions),
            *product(left.resources or (), right.resources or ()),
        )
    ]
    return all(a.covers(b) or b.covers(a) for a, b in pairs)


nested = st.sampled_from(["**", "x:**", "x:*", "x:x", "x:y:**", "*:x"])
chains = st.builds(
    Policy.parse,
    st.lists(nested, min_size=1, max_size=2),
    st.none() | st.lists(nested, min_size=1, max_size=2),
)


@given(st.lists(chains, max_size=2), st.lists(chains, max_size=2))
def test_all_that_both_allow_is_found_where_segments_can_be_compared(
    one: list[Policy], other: list[Policy]
) -> None:
    """Here any two segments are alike, or one of them stands for the other."""
    assert allowed(meet(one, other)) == allowed(one) & allowed(other)


@given(lists, lists)
def test_all_that_both_allow_is_found_where_of_each_pair_one_covers_the_other(
    one: list[Policy], other: list[Policy]
) -> None:
    if comparable(one, other):
        assert allowed(meet(one, other)) == allowed(one) & allowed(other)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("a", "a", "a"),
        ("a", "b", None),
        ("**", "a:*", "a:*"),
        ("a:*:c", "a:b:*", "a:b:c"),
        ("a:*", "a:b:*", None),
        ("a:cs:**", "a:*:draft", "a:cs:draft"),
        ("a:*:draft", "a:cs:**", "a:cs:draft"),
        ("a:cs:**", "a:*:draft:**", "a:cs:draft:**"),
        ("a:*:**", "*:b:**", "a:b:**"),
        ("a:*:**", "*:b:*:**", "a:b:*:**"),
        ("a:b:c:**", "a:*:c", "a:b:c"),
        ("a:b:c:**", "*:b", None),
        ("a:x*", "*:xy", "a:xy"),
        ("a*", "*b", None),
        ("a:**:c", "a:b:**", None),
        ("**:a", "*:*:a", "*:*:a"),
    ],
)
def test_two_patterns_meet_in_the_narrower_of_each_segment(one: str, other: str, both: str | None) -> None:
    expected = () if both is None else of(([both], None))
    assert meet(of(([one], None)), of(([other], None))) == expected
    in_resources = () if both is None else of((["a"], [both]))
    assert meet(of((["a"], [one])), of((["a"], [other]))) == in_resources


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ((["a"], None), (["a"], None), (["a"], None)),
        ((["a"], None), (["a"], ["b"]), (["a"], ["b"])),
        ((["a"], ["b"]), (["a"], None), (["a"], ["b"])),
        ((["a"], ["**"]), (["a"], ["**"]), (["a"], None)),
        ((["a"], ["b"]), (["a"], ["c"]), None),
        ((["a"], ["b"]), (["c"], ["b"]), None),
        ((["a", "c"], None), (["*"], None), (["a", "c"], None)),
        ((["a", "a:*"], ["b:**"]), (["**"], ["b:c", "d"]), (["a", "a:*"], ["b:c"])),
    ],
)
def test_resources_that_are_left_out_are_all_of_them(
    one: tuple[list[str], list[str] | None],
    other: tuple[list[str], list[str] | None],
    both: tuple[list[str], list[str] | None] | None,
) -> None:
    assert meet(of(one), of(other)) == (() if both is None else of(both))


def test_nothing_meets_nothing() -> None:
    assert meet((), of((["**"], None))) == meet(of((["**"], None)), ()) == ()


def test_what_is_found_twice_is_told_once() -> None:
    assert meet(of((["a"], None), (["*"], None)), of((["a"], None))) == of((["a"], None))


def test_a_pattern_with_too_many_wildcards_is_left_out() -> None:
    for starred, both in ((2, ["a*b*c:" * 2 + ":".join(["x*"] * 10)]), (6, None)):
        one = "a*b*c:" * starred + "**"
        other = "*:" * starred + ":".join(["x*"] * 10)
        assert meet(of(([one], None)), of(([other], None))) == (() if both is None else of((both, None)))


def test_the_work_is_bounded() -> None:
    wide = of(([f"{number:04}" for number in range(100)], None))
    whole = {f"{number:04}" for number in range(100)}
    assert allowed_actions(meet(wide, wide)) == whole
    assert allowed_actions(meet(wide, wide, max_work=100 * 100 * 8)) == whole
    # Five rows of a hundred pairs, of eight characters each.
    assert allowed_actions(meet(wide, wide, max_work=5 * 100 * 8)) == {f"{number:04}" for number in range(5)}
    assert meet(wide, wide, max_work=0) == ()


def allowed_actions(policies: tuple[Policy, ...]) -> set[str]:
    return {pattern.text for policy in policies for pattern in policy.actions}


@given(texts, texts)
def test_a_pattern_meets_itself_and_what_it_covers(one: str, other: str) -> None:
    first, second = Pattern(one), Pattern(other)
    if first.covers(second):
        assert meet(of(([one], None)), of(([other], None))) == of(([other], None))
