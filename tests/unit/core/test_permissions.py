"""Names, patterns and policies: what is well-formed, what matches and what is allowed."""

from __future__ import annotations

import dataclasses
import pickle
import sys
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.permissions import (
    MAX_NAME,
    MAX_SEGMENTS,
    MAX_WILDCARDS,
    EmptyPolicy,
    InvalidPattern,
    Match,
    Miss,
    Pattern,
    Policies,
    Policy,
    compile_policies,
    globs,
    valid_name,
)
from keywright.core.permissions.patterns import Kind
from keywright.core.permissions.policies import MAX_MET

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS = "xyz"
segments = st.text(LETTERS, min_size=1, max_size=3)
names = st.lists(segments, min_size=1, max_size=5).map(":".join)
globbed = st.from_regex(r"[xy]?(\*[xy]{1,2}){1,2}\*?|[xy]{1,2}\*", fullmatch=True)
pattern_texts = st.lists(
    st.one_of(segments, globbed, st.just("*"), st.just("**")), min_size=1, max_size=5
).map(":".join)
patterns = pattern_texts.map(Pattern.parse)
policy_items = st.tuples(
    st.lists(pattern_texts, min_size=1, max_size=3),
    st.none() | st.lists(pattern_texts, min_size=1, max_size=3),
)


def slow_match(pattern: str, name: str) -> bool:
    """Say what a pattern means, word for word and without regard to the time it takes."""
    return _segments(tuple(pattern.split(":")), tuple(name.split(":")))


@lru_cache(maxsize=100_000)
def _segments(pattern: tuple[str, ...], name: tuple[str, ...]) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "**":
        return any(_segments(pattern[1:], name[count:]) for count in range(len(name) + 1))
    if not name:
        return False
    fits = name[0] != "" if pattern[0] == "*" else _characters(pattern[0], name[0])
    return fits and _segments(pattern[1:], name[1:])


@lru_cache(maxsize=100_000)
def _characters(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_characters(pattern[1:], text[count:]) for count in range(len(text) + 1))
    return text[:1] == pattern[0] and _characters(pattern[1:], text[1:])


Item = tuple["Sequence[str]", "Sequence[str] | None"]


def slow_allows(item: Item, action: str, resource: str | None) -> bool:
    actions, resources = item
    if not any(slow_match(pattern, action) for pattern in actions):
        return False
    if resources is None:
        return True
    if resource is None:
        return any(set(pattern.split(":")) == {"**"} for pattern in resources)
    return any(slow_match(pattern, resource) for pattern in resources)


def begins_like(pattern: str, action: str) -> bool:
    first = pattern.split(":", 1)[0]
    return first not in {"*", "**"} and slow_match(first, action.split(":", 1)[0])


def parse(items: Sequence[Item]) -> list[Policy]:
    return [Policy.parse(actions, resources) for actions, resources in items]


class TestNames:
    @pytest.mark.parametrize(
        "text",
        [
            "document:read",
            "organization:acme:credential:github",
            "café:čtení",
            "file:/srv/a.txt",
            "user:jo@example.org",
            "a",
            "日本",
            "a:" * 31 + "a",
            "a" * MAX_NAME,
            "-:_:.:~:#:?:&:=:+:%:(:[",
        ],
    )
    def test_well_formed(self, text: str) -> None:
        assert valid_name(text)
        assert Pattern.parse(text).matches(text)

    @pytest.mark.parametrize(
        "text",
        [
            *["", ":", "a:", ":a", "a::b", "a b", "a\n", "a\tb", "a:*", "**", "${a}", "a$", "a{", "a}"],
            *["a\x00", "\x9f", "\ud800", "a\u2028b", "a\u00a0b", "a\u3000"],
            *["a:" * 32 + "a", "a" * (MAX_NAME + 1)],
        ],
    )
    def test_not_well_formed(self, text: str) -> None:
        assert not valid_name(text)
        assert not Pattern.parse("**").matches(text)
        assert not Pattern.parse("a:**").matches(text)

    def test_every_character_is_judged_by_its_class(self) -> None:
        for code in range(sys.maxunicode + 1):
            char = chr(code)
            refused = (
                char in ":*${}"
                or char.isspace()
                or unicodedata.category(char) in {"Cc", "Cs", "Zs", "Zl", "Zp"}
            )
            assert valid_name(char) is not refused, hex(code)

    def test_letter_case_and_composition_count(self) -> None:
        assert not Pattern.parse("Document:read").matches("document:read")
        assert not Pattern.parse("caf\u00e9").matches("cafe\u0301")


class TestParse:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "at least one character in each segment"),
            ("secret:", "at least one character in each segment"),
            ("secret::x", "at least one character in each segment"),
            ("s" * 513, "at most 512 characters"),
            ("secret:" * 32 + "x", "at most 32 segments"),
            ("secret:***", "stands alone"),
            ("secret**", "stands alone"),
            ("**secret:x", "stands alone"),
            ("secret:" + "*a" * 17, "at most 16 wildcards"),
            ("secret:" + "**:" * 16 + "*", "at most 16 wildcards"),
            ("secret:${name}", "the characters \\$, { and }"),
            ("secret:$", "the characters \\$, { and }"),
            ("{secret", "the characters \\$, { and }"),
            ("secret}", "the characters \\$, { and }"),
            ("secret x", "white space or control characters"),
            ("secret\x1b", "white space or control characters"),
            ("secret\udfff", "white space or control characters"),
        ],
    )
    def test_a_wrong_text_is_explained_and_not_repeated(self, text: str, sentence: str) -> None:
        with pytest.raises(InvalidPattern, match=sentence) as caught:
            Pattern.parse(text)
        assert "secret" not in str(caught.value)
        assert str(caught.value).endswith(".")

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("document:read", Kind.EXACT),
            ("**", Kind.ALL),
            ("**:**", Kind.ALL),
            ("document:**", Kind.PREFIX),
            ("a:b:**:**", Kind.PREFIX),
            ("document:*", Kind.CHILD),
            ("*", Kind.CHILD),
            ("**:*", Kind.GLOB),
            ("a:**:*", Kind.GLOB),
            ("*:read", Kind.GLOB),
            ("cy-*", Kind.GLOB),
            ("a:**:b", Kind.GLOB),
        ],
    )
    def test_is_classified(self, text: str, kind: Kind) -> None:
        assert Pattern.parse(text).kind is kind

    def test_the_limits_themselves_are_allowed(self) -> None:
        assert Pattern.parse(":".join(["*"] * MAX_WILDCARDS + ["a"] * (MAX_SEGMENTS - MAX_WILDCARDS))).text
        assert Pattern.parse("a" * MAX_NAME).text
        assert Pattern.parse(":".join(["**"] * MAX_WILDCARDS)).kind is Kind.ALL

    def test_a_pattern_cannot_be_made_past_the_check_or_changed(self) -> None:
        with pytest.raises(InvalidPattern):
            Pattern("a***")
        with pytest.raises(dataclasses.FrozenInstanceError):
            Pattern("a").text = "**"  # type: ignore[misc]  # the point of the test

    def test_patterns_written_alike_are_equal(self) -> None:
        assert Pattern("a:*") == Pattern.parse("a:*")
        assert len({Pattern("a:*"), Pattern("a:*"), Pattern("a:**")}) == 2
        assert repr(Pattern("a:*")) == "Pattern(text='a:*')"
        assert pickle.loads(pickle.dumps(Pattern("a:*b:c"))).matches("a:b:c")


class TestMatching:
    @given(pattern_texts, names)
    def test_agrees_with_the_definition(self, pattern: str, name: str) -> None:
        assert Pattern.parse(pattern).matches(name) is slow_match(pattern, name)

    @given(st.data())
    def test_agrees_with_the_definition_on_names_made_to_match(self, data: st.DataObject) -> None:
        pattern = data.draw(pattern_texts)
        filled = [
            data.draw(st.lists(segments, max_size=3)) if part == "**" else [_fill(data, part)]
            for part in pattern.split(":")
        ]
        name = ":".join(segment for part in filled for segment in part)
        assert Pattern.parse(pattern).matches(name) is (name != "")

    @pytest.mark.parametrize(
        ("pattern", "matched", "missed"),
        [
            (
                "document:read",
                ["document:read"],
                ["document", "document:read:x", "document:rea", "Document:read"],
            ),
            (
                "document:*",
                ["document:read", "document:x"],
                ["document", "document:a:b", "documents:read", "documen"],
            ),
            ("document:**", ["document", "document:a", "document:a:b"], ["documents", "docu", "x:document"]),
            ("*", ["a", "abc"], ["a:b"]),
            ("**", ["a", "a:b:c"], []),
            ("**:read", ["read", "a:read", "a:b:read"], ["read:a", "a:reads"]),
            ("**:*:read", ["a:read", "a:b:read"], ["read", "a:b"]),
            ("a:**:b", ["a:b", "a:x:b", "a:b:b"], ["a", "b", "a:b:x"]),
            ("cy-*", ["cy-", "cy-x"], ["cy", "cy-x:y", "xcy-"]),
            ("*a*", ["a", "xax"], ["x", "a:a"]),
            ("a*b*c", ["abc", "axbxc", "abcbc"], ["ac", "acb", "abcx"]),
            ("ab*ba", ["abba", "abxba"], ["aba"]),
            ("a:b:**:b:c", ["a:b:b:c", "a:b:x:b:c"], ["a:b:c"]),
            ("*xx*xx*", ["xxxx", "axxbxxc"], ["xxx", "xx"]),
        ],
    )
    def test_examples(self, pattern: str, matched: list[str], missed: list[str]) -> None:
        assert [name for name in matched + missed if Pattern.parse(pattern).matches(name)] == matched

    @pytest.mark.parametrize(
        "pattern",
        [
            "**:" + "a*" * 14 + "b",
            ":".join(["**:a*"] * 8),
            ":".join(["**:a"] * 15 + ["b"]),
            "**:" + ":".join(["*a"] * 14) + ":b",
            "**:" + ":".join(["aaa"] * 30) + ":b",
            "*:" * 15 + "**",
        ],
    )
    def test_hard_cases_take_no_more_comparisons_than_the_product_of_the_lengths(
        self, pattern: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        comparisons = []
        plain = globs.segment_fits

        def counted(glob: str, segment: str) -> bool:
            comparisons.append(glob)
            return plain(glob, segment)

        monkeypatch.setattr(globs, "segment_fits", counted)
        name = ":".join(["a" * 15] * MAX_SEGMENTS)
        Pattern.parse(pattern).matches(name)
        assert len(comparisons) <= MAX_SEGMENTS * len(pattern.split(":"))


def _fill(data: st.DataObject, part: str) -> str:
    if part == "*":
        return data.draw(segments)
    head, *rest = part.split("*")
    return head + "".join(data.draw(st.text(LETTERS, max_size=2)) + piece for piece in rest)


class TestPolicy:
    def test_needs_an_action_and_no_empty_list_of_resources(self) -> None:
        with pytest.raises(EmptyPolicy, match="at least one action"):
            Policy.parse([], None)
        with pytest.raises(EmptyPolicy, match="at least one resource"):
            Policy.parse(["a"], [])
        with pytest.raises(InvalidPattern):
            Policy.parse(["a"], [""])
        with pytest.raises(InvalidPattern):
            Policy.parse(["a", "b c"])

    @given(policy_items)
    def test_is_written_as_it_was_read(self, item: Item) -> None:
        actions, resources = item
        plain = {"actions": actions} if resources is None else {"actions": actions, "resources": resources}
        assert Policy.parse(actions, resources).to_plain() == plain

    @given(policy_items, names, st.none() | names)
    def test_agrees_with_the_definition(self, item: Item, action: str, resource: str | None) -> None:
        assert parse([item])[0].allows(action, resource) is slow_allows(item, action, resource)

    @pytest.mark.parametrize(
        ("resources", "bare"),
        [
            (None, True),
            (["**"], True),
            (["a", "**:**"], True),
            (["*"], False),
            (["*:**"], False),
            (["a:**"], False),
        ],
    )
    def test_a_request_without_resource_needs_a_policy_for_all(
        self, resources: list[str] | None, bare: bool
    ) -> None:
        policy = Policy.parse(["a:read"], resources)
        assert policy.allows("a:read") is bare
        assert Policies.compile([policy]).allows("a:read") is bare
        assert policy.unbounded is bare

    @pytest.mark.parametrize(
        ("action", "resource"), [("a:", "b"), ("", "b"), ("a", ""), ("a", "b:*"), ("a b", None)]
    )
    def test_what_is_not_well_formed_is_not_allowed(self, action: str, resource: str | None) -> None:
        policy = Policy.parse(["**", "a"], None)
        policies = Policies.compile([policy])
        assert not policy.allows(action, resource)
        assert not policies.allows(action, resource)
        assert policies.explain(action, resource) == Miss()


class TestPolicies:
    @given(st.lists(policy_items, max_size=4), names, st.none() | names)
    def test_agree_with_the_definition(self, items: list[Item], action: str, resource: str | None) -> None:
        policies = Policies.compile(parse(items))
        allowing = [index for index, item in enumerate(items) if slow_allows(item, action, resource)]
        assert policies.allows(action, resource) is bool(allowing)
        explained = policies.explain(action, resource)
        assert explained.allowed is bool(allowing)
        if allowing:
            assert explained == Match(allowing[0], policies.policies[allowing[0]])

    @given(st.lists(policy_items, max_size=4), names, st.none() | names)
    def test_the_nearest_miss(self, items: list[Item], action: str, resource: str | None) -> None:
        explained = Policies.compile(parse(items)).explain(action, resource)
        if isinstance(explained, Match):
            return
        right = [
            index for index, (actions, _) in enumerate(items) if any(slow_match(p, action) for p in actions)
        ]
        begun = [
            index for index, (actions, _) in enumerate(items) if any(begins_like(p, action) for p in actions)
        ]
        assert explained.other_resources is bool(right)
        assert explained.index == next(iter([*right, *begun]), None)
        assert explained.policy == (None if explained.index is None else parse(items)[explained.index])

    def test_nearest_examples(self) -> None:
        policies = Policies.compile(
            parse(
                [(["x:a"], None), (["doc*:write"], None), (["document:read"], ["a:**"]), (["*:read"], ["b"])]
            )
        )
        assert policies.explain("document:read", "c") == Miss(2, policies.policies[2], other_resources=True)
        assert policies.explain("document:list", "c") == Miss(1, policies.policies[1])
        assert policies.explain("other:list", "c") == Miss()
        assert policies.explain("document:read", "b") == Match(3, policies.policies[3])

    def test_resources_of_one_action_add_up_over_policies(self) -> None:
        policies = Policies.compile(parse([(["a", "w:*"], ["r:1"]), (["a", "w:*"], ["r:2:**", "r:3"])]))
        for action in ("a", "w:x"):
            assert [r for r in ("r:1", "r:2:x", "r:3", "r:4") if policies.allows(action, r)] == [
                "r:1",
                "r:2:x",
                "r:3",
            ]
            assert not policies.allows(action)

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_policy_for_all_resources_outweighs_one_for_some(self, order: int) -> None:
        items: list[Item] = [(["a", "w:*"], ["r"]), (["a", "w:*"], None), (["a", "w:*"], ["s"])]
        policies = Policies.compile(parse(items[::order]))
        assert all(policies.allows(action, resource) for action in ("a", "w:x") for resource in (None, "any"))

    def test_an_exact_action_on_everything_is_one_look_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        policies = Policies.compile(parse([(["a:b"], None), (["*:b"], ["**"])]))
        monkeypatch.setattr(Pattern, "fits", None)
        assert policies.allows("a:b")
        assert policies.allows("a:b", "x:y")
        with pytest.raises(TypeError):
            policies.allows("c:b")

    def test_no_policies_allow_nothing(self) -> None:
        assert not Policies.compile([]).allows("a")
        assert not Policies.compile([]).allows("a", "b")

    def test_are_values(self) -> None:
        once, again = (tuple(parse([(["a", "b:*"], ["c:**"])])) for _ in range(2))
        assert Policies.compile(once) == Policies.compile(iter(again))
        assert compile_policies(once) is compile_policies(again)
        assert compile_policies(once) == Policies.compile(once)
        with pytest.raises(dataclasses.FrozenInstanceError):
            compile_policies(once).policies = ()  # type: ignore[misc]  # the point of the test


def test_what_was_met_is_kept_within_bounds() -> None:
    policies = compile_policies((Policy.parse(["x:**"]), Policy.parse(["y"], ["a"])))
    for number in range(3 * MAX_MET):
        assert policies.allows(f"x:{number}")
        assert not policies.allows(f"z:{number}")
        assert len(policies._met) <= MAX_MET
    assert policies.allows("y", "a")
    assert not policies.allows("y", "b")
