"""Covering: one pattern or policy holds all that another hands out, exactly for patterns and soundly for policies."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.permissions import MAX_SEGMENTS, MAX_WILDCARDS, Pattern, Policies, Policy, globs
from keywright.core.permissions.covering import MAX_WORK, Covering

if TYPE_CHECKING:
    from collections.abc import Sequence

literals = st.text("xy", min_size=1, max_size=2)
globbed = st.sampled_from(["x*", "*x", "x*y", "*x*", "x*x", "*xy*x", "yx*"])
parts = st.one_of(literals, globbed, st.just("*"), st.just("**"))
pattern_texts = st.lists(parts, min_size=1, max_size=6).map(":".join)
patterns = pattern_texts.map(Pattern.parse)
names = st.lists(st.text("xyz", min_size=1, max_size=3), min_size=1, max_size=6).map(":".join)


@st.composite
def wider(draw: st.DrawFn, text: str) -> str:
    """Replace parts of a pattern by wildcards; the result usually covers the pattern, and need not."""
    widened: list[str] = []
    for part in text.split(":"):
        kept = [part, part, "*", "**", "x*", part + "*" if part != "**" and part[-1:] != "*" else part]
        widened.append(draw(st.sampled_from(kept)))
        if draw(st.integers(0, 4)) == 0:
            widened.append("**")
    wide = ":".join(widened)
    return wide if wide.count("*") <= MAX_WILDCARDS else text


Place = tuple[str, int, int]


class Automaton:
    """A pattern read character by character, straight from the definition of its wildcards."""

    def __init__(self, text: str) -> None:
        self.parts = text.split(":")

    def start(self) -> frozenset[Place]:
        return frozenset({("between", 0, 0)})

    def accepts(self, places: frozenset[Place]) -> bool:
        return any(
            kind == "between" and all(part == "**" for part in self.parts[index:])
            for kind, index, _ in self.step(places, ":")
        )

    def step(self, places: frozenset[Place], char: str) -> frozenset[Place]:
        found: set[Place] = set()
        for kind, index, at in places:
            if char == ":":
                found |= self._end_of_segment(kind, index, at)
            elif kind == "between":
                found |= self._first_character(index, char)
            elif kind == "within":
                found |= self._character(index, at, char)
            else:
                found.add((kind, index, at))
        return frozenset(found)

    def _end_of_segment(self, kind: str, index: int, at: int) -> set[Place]:
        if kind == "skipping":
            return {("between", index, 0)}
        return (
            {("between", index + 1, 0)} if kind == "within" and self.parts[index][at:] in {"", "*"} else set()
        )

    def _first_character(self, index: int, char: str) -> set[Place]:
        if index == len(self.parts):
            return set()
        if self.parts[index] == "**":
            return {("skipping", index, 0)} | self._first_character(index + 1, char)
        return self._character(index, 0, char)

    def _character(self, index: int, at: int, char: str) -> set[Place]:
        rest = self.parts[index][at:]
        if rest[:1] == "*":
            return {("within", index, at)} | self._character(index, at + 1, char)
        return {("within", index, at + 1)} if rest[:1] == char else set()


def slow_covers(wide: str, narrow: str) -> bool:
    """Decide inclusion by building all subsets of places that the two patterns can be in together."""
    a, b = Automaton(wide), Automaton(narrow)
    alphabet = (set(wide + narrow) - set("*:")) | {"\N{SNOWMAN}"}
    todo = [(a.start(), b.start(), True)]
    seen = set(todo)
    while todo:
        in_a, in_b, segment_is_empty = todo.pop()
        if not segment_is_empty and b.accepts(in_b) and not a.accepts(in_a):
            return False
        for char in alphabet if segment_is_empty else alphabet | {":"}:
            reached = (a.step(in_a, char), b.step(in_b, char), char == ":")
            if reached[1] and reached not in seen:
                seen.add(reached)
                todo.append(reached)
    return True


def slow_policy_covers(held: list[Policy], policy: Policy) -> bool:
    return all(
        any(
            any(own.covers(action) for own in one.actions)
            and (one.unbounded if policy.resources is None or resource is None else _reaches(one, resource))
            for one in held
        )
        for action in policy.actions
        for resource in policy.resources or (None,)
    )


def _reaches(held: Policy, resource: Pattern) -> bool:
    if held.unbounded:
        return True
    bare = set(resource.text.split(":")) == {"**"}
    return not bare and any(own.covers(resource) for own in held.resources or ())


class TestPatterns:
    def test_agrees_with_matching_for_all_small_patterns(self) -> None:
        """Compare with what all short names say: every pair of small patterns, in both directions."""
        words = ["x", "o", "xo", "ox", "oxo", "xox"]
        some = [":".join(name) for count in (1, 2, 3) for name in product(words, repeat=count)]
        some += [":".join(name) for count in (4, 5) for name in product(["x", "o"], repeat=count)]
        small = [":".join(p) for count in (1, 2) for p in product(["x", "*", "**", "x*", "*x"], repeat=count)]
        small += [":".join(pattern) for pattern in product(["x", "*", "**"], repeat=3)]
        parsed = [Pattern.parse(text) for text in small]
        matched = [sum(1 << i for i, name in enumerate(some) if pattern.matches(name)) for pattern in parsed]
        for a, of_a in zip(parsed, matched, strict=True):
            for b, of_b in zip(parsed, matched, strict=True):
                assert a.covers(b) is (of_b & ~of_a == 0), (a.text, b.text)

    @given(pattern_texts, pattern_texts)
    def test_agrees_with_the_automata(self, a: str, b: str) -> None:
        assert Pattern.parse(a).covers(Pattern.parse(b)) is slow_covers(a, b)

    @given(pattern_texts.flatmap(lambda text: st.tuples(st.just(text), wider(text))))
    def test_agrees_with_the_automata_where_it_is_likely(self, pair: tuple[str, str]) -> None:
        b, a = pair
        assert Pattern.parse(a).covers(Pattern.parse(b)) is slow_covers(a, b)
        assert Pattern.parse(b).covers(Pattern.parse(a)) is slow_covers(b, a)

    @given(
        st.lists(st.sampled_from(["x", "x", "*", "*", "**"]), min_size=3, max_size=9).map(":".join),
        st.lists(st.sampled_from(["x", "x", "y", "**", "*"]), min_size=3, max_size=9).map(":".join),
    )
    def test_agrees_with_the_automata_on_long_runs_of_wildcards(self, a: str, b: str) -> None:
        assert Pattern.parse(a).covers(Pattern.parse(b)) is slow_covers(a, b)

    @given(pattern_texts.flatmap(lambda text: st.tuples(st.just(text), wider(text))), names)
    def test_what_is_covered_is_matched(self, pair: tuple[str, str], name: str) -> None:
        b, a = map(Pattern.parse, pair)
        if a.covers(b) and b.matches(name):
            assert a.matches(name)

    @given(patterns)
    def test_is_reflexive(self, pattern: Pattern) -> None:
        assert pattern.covers(pattern)
        assert pattern.covers(Pattern.parse(pattern.text))
        assert Pattern.parse("**").covers(pattern)

    @given(st.data())
    def test_is_transitive(self, data: st.DataObject) -> None:
        c = data.draw(pattern_texts)
        b = data.draw(wider(c) | pattern_texts)
        a = data.draw(wider(b) | pattern_texts)
        first, second, third = map(Pattern.parse, (a, b, c))
        if first.covers(second) and second.covers(third):
            assert first.covers(third)

    @pytest.mark.parametrize(
        ("a", "b", "there", "back"),
        [
            ("**", "a:b", True, False),
            ("**:**", "**", True, True),
            ("**:*", "**", True, True),
            ("*:**", "**", True, True),
            ("a:**", "a", True, False),
            ("a:**", "a:*", True, False),
            ("a:**:*", "a:*:**", True, True),
            ("a:*", "a:**", False, True),
            ("*", "x*", True, False),
            ("*x*", "x", True, False),
            ("x*", "x*x", True, False),
            ("*xx*", "x*x", False, False),
            ("**:x:**", "x*:x", True, False),
            ("*:x:**", "**:x:**", False, True),
            ("**:x:*:**", "x:**:x:*", True, False),
            ("**:x:*:*:y", "x:**:y", False, False),
            ("a:*:c", "a:b*:c", True, False),
            ("a", "b", False, False),
            ("a:**", "ab:**", False, False),
            ("*", "a:b", False, False),
            ("*:*", "*", False, False),
        ],
    )
    def test_examples(self, a: str, b: str, *, there: bool, back: bool) -> None:
        assert Pattern.parse(a).covers(Pattern.parse(b)) is there
        assert Pattern.parse(b).covers(Pattern.parse(a)) is back

    @pytest.mark.parametrize(
        ("a", "b"),
        [
            ("**:x:" + "*:" * 14 + "x", "x:" + "**:x:" * 15 + "y"),
            ("**:" + "a*a:" * 15 + "a:" * 15 + "b", "**:" + "a*aa:" * 15 + "a:" * 15 + "b"),
            ("**:x:*:*:*:*:**:*:*:*:*:*:*:x", "x:x:" + "**:x:" * 14 + "x"),
        ],
    )
    def test_hard_cases_take_no_more_comparisons_than_the_product_of_the_lengths(
        self, a: str, b: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        comparisons = []
        plain = globs.segment_fits

        def counted(glob: str, segment: str) -> bool:
            comparisons.append(glob)
            return plain(glob, segment)

        monkeypatch.setattr(globs, "segment_fits", counted)
        Pattern.parse(a).covers(Pattern.parse(b))
        assert 0 < len(comparisons) <= MAX_SEGMENTS**2


small_patterns = st.lists(st.sampled_from(["x", "y", "*", "**", "x*"]), min_size=1, max_size=3).map(":".join)
policies = st.builds(
    Policy.parse,
    st.lists(small_patterns, min_size=1, max_size=3),
    st.none() | st.lists(small_patterns, min_size=1, max_size=3),
)
few = st.lists(policies, max_size=4)


@lru_cache(maxsize=1)
def short_names() -> list[str]:
    return [":".join(name) for count in (1, 2, 3) for name in product(["x", "y", "xz", "z"], repeat=count)]


class TestPolicies:
    @given(few, policies)
    def test_agrees_with_the_definition(self, held: list[Policy], policy: Policy) -> None:
        assert Policies.compile(held).covers(policy) is slow_policy_covers(held, policy)

    @given(few, policies, st.sampled_from(short_names()), st.none() | st.sampled_from(short_names()))
    def test_what_is_covered_is_allowed(
        self, held: list[Policy], policy: Policy, action: str, resource: str | None
    ) -> None:
        mine = Policies.compile(held)
        if mine.covers(policy) and policy.allows(action, resource):
            assert mine.allows(action, resource)

    @given(few)
    def test_is_reflexive(self, held: list[Policy]) -> None:
        assert Policies.compile(held).first_uncovered(held) is None

    @given(few, few, few)
    def test_is_transitive(self, first: list[Policy], second: list[Policy], third: list[Policy]) -> None:
        a, b = Policies.compile(first), Policies.compile(second)
        given_on = [policy for policy in second if a.covers(policy)]
        for policy in third:
            if Policies.compile(given_on).covers(policy):
                assert a.covers(policy)
                assert b.covers(policy)

    @given(few, few)
    def test_the_first_that_is_not_covered_is_named(self, held: list[Policy], wanted: list[Policy]) -> None:
        mine = Policies.compile(held)
        expected = next((policy for policy in wanted if not slow_policy_covers(held, policy)), None)
        assert mine.first_uncovered(wanted) is expected

    @pytest.mark.parametrize(
        ("held", "wanted", "covered"),
        [
            ([(["a"], None)], (["a"], ["b"]), True),
            ([(["a"], ["**"])], (["a"], None), True),
            ([(["a"], None)], (["a"], ["**"]), True),
            ([(["a"], ["*:**"])], (["a"], None), False),
            ([(["a"], ["*:**"])], (["a"], ["**"]), False),
            ([(["a"], ["*:**"])], (["a"], ["b:**"]), True),
            ([(["a"], ["r:1"]), (["b"], ["r:2"])], (["a", "b"], ["r:1"]), False),
            ([(["a"], ["r:1"]), (["b"], ["r:1"])], (["a", "b"], ["r:1"]), True),
            ([(["a"], ["r:1"]), (["a"], ["r:2"])], (["a"], ["r:1", "r:2"]), True),
            ([(["a:*"], ["r:**"])], (["a:b", "a:c"], ["r", "r:1:**", "r:*"]), True),
            ([(["a:*"], ["r:**"])], (["a:b"], ["rr:1"]), False),
            ([(["*:b"], None)], (["a:b"], None), True),
            ([(["a:**"], ["r"]), (["a:**:**"], ["s"])], (["a:x"], ["r", "s"]), True),
            ([], (["a"], None), False),
        ],
    )
    def test_examples(
        self,
        held: list[tuple[list[str], list[str] | None]],
        wanted: tuple[list[str], list[str] | None],
        *,
        covered: bool,
    ) -> None:
        mine = Policies.compile(Policy.parse(*item) for item in held)
        assert mine.covers(Policy.parse(*wanted)) is covered


class TestBoundedWork:
    hard = tuple(f"**:{'a*a:' * 15}{'a:' * 14}b{index}" for index in range(600))
    harder = tuple(f"**:{'a*aa:' * 15}{'a:' * 14}c{index}" for index in range(600))

    def policies(self, texts: Sequence[str]) -> list[Policy]:
        return [Policy.parse(texts[at : at + 100]) for at in range(0, len(texts), 100)]

    def test_a_huge_question_is_refused_within_its_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        comparisons = []
        plain = globs.segment_fits

        def counted(glob: str, segment: str) -> bool:
            comparisons.append(1)
            return plain(glob, segment)

        held = Covering(tuple(self.policies(self.hard)))
        wanted = self.policies(self.harder)
        monkeypatch.setattr(globs, "segment_fits", counted)
        assert not any(held.covers(policy) for policy in wanted)
        assert len(comparisons) <= MAX_WORK

    def test_what_is_held_word_for_word_is_covered_at_any_size(self) -> None:
        held = self.policies(self.hard + self.harder)
        assert Policies.compile(held).first_uncovered(held[::-1]) is None

    def test_many_prefixes_cost_nothing_of_the_bound(self) -> None:
        held = self.policies([f"area:{index}:**" for index in range(5000)])
        wanted = self.policies([f"area:{index}:read:x*" for index in range(5000)])
        assert Policies.compile(held).first_uncovered(wanted) is None

    def test_out_of_work_the_answer_is_no(self) -> None:
        held = (Policy.parse(["*:read", "area:**", "*:list"]),)
        exact, below, fitting = (Policy.parse([text]) for text in ("*:read", "area:x", "a:read"))
        assert [Covering(held).covers(policy) for policy in (exact, below, fitting)] == [True, True, True]
        assert [Covering(held, 1).covers(policy) for policy in (exact, below, fitting)] == [True, True, False]
