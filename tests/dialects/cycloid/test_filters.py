"""Expressions and patterns of filters, beside what Python's own find."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from keywright.dialects.cycloid.errors import Declined
from keywright.dialects.cycloid.filters import like, read
from keywright.dialects.cycloid.rlike import (
    MAX_KEPT,
    MAX_WORK,
    Exhausted,
    Expression,
    TooManyStates,
    Unsupported,
)

ATOMS = some.sampled_from(
    ["a", "b", "-", ".", "[ab]", "[^a]", "[a-c]", "[]a]", "[a-]", r"\d", r"\w", r"\S", r"\.", "^", "$", "7"]
)
COUNTS = some.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"])
EXPRESSIONS = some.recursive(
    some.builds("".join, some.lists(some.builds("{}{}".format, ATOMS, COUNTS), max_size=4)),
    lambda inner: (
        some.builds("({}){}".format, inner, COUNTS)
        | some.builds("{}|{}".format, inner, inner)
        | some.builds("{}{}".format, inner, inner)
    ),
    max_leaves=6,
)
TEXTS = some.text("abc-7.A", max_size=8)


@given(EXPRESSIONS, TEXTS)
@example("^$", "")
@example("", "a")
@example("a*^b", "b")
@example("($|b)^", "")
@example("(^a|b$)", "cb")
@example("[A-C]+", "xb")
@example(r"\D", "7")
@example("(?:ab){2}$", "xabab")
@example("[^]a]", "]a")
@example(r"a\nb|[\w-]{3}", "A-B")
def test_an_expression_finds_what_python_s_finds(expression: str, text: str) -> None:
    try:
        wanted = re.compile(expression, re.IGNORECASE | re.ASCII)
    except re.error:
        return
    try:
        ours = Expression(expression)
    except TooManyStates:  # of groups in groups, each several times
        return
    assert ours.found_in(text) is (wanted.search(text) is not None)


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "(",
            ")",
            "a)",
            "(a",
            "[",
            "[a",
            "[]",
            "*",
            "a**",
            "+a",
            "a|*",
            "{2}",
            "a{",
            "a{2",
            "a{x}",
            "a{,2}",
            "a{0}",
        ),
        *(
            "a{3,2}",
            "a{101}",
            "a{1,101}",
            "\\",
            r"\b",
            r"\1",
            r"\p",
            "[[:alpha:]]",
            "(?=a)",
            "(?i)a",
            "[b-a]",
            "[a-\\]",
        ),
        *("(" * 30 + ")" * 30, "((a{90}){90}){90}", "a" * 201, r"[\b]", "a?+"),
    ],
)
def test_expressions_that_are_not_known_here(expression: str) -> None:
    with pytest.raises(Unsupported):
        Expression(expression)


def test_an_expression_that_keeps_others_busy_ends() -> None:
    """Backtracking would try 2^5000 ways here."""
    assert not Expression("^(a|a)*(a|aa)+$").found_in("a" * 5_000 + "b")
    assert Expression("(x+x+)+y").found_in("x" * 5_000 + "y")


def test_what_an_expression_keeps_is_bounded() -> None:
    expression = Expression(".*end")
    assert not expression.found_in("".join(map(chr, range(0x4E00, 0x4E00 + 5 * MAX_KEPT))))
    assert 0 < len(expression._kept) <= MAX_KEPT
    assert expression.found_in("the END")


def test_an_expression_ends_before_it_keeps_others_from_being_served() -> None:
    expression = Expression("(a|b){20}(.?.?){20}c")
    texts = [
        "".join(map(chr, range(start, start + 2_000))) for start in range(0x4E00, 0x4E00 + 20_000, 2_000)
    ]
    with pytest.raises(Exhausted):
        list(map(expression.found_in, texts))
    (one,) = read([("name[rlike]", "a")]).filters
    assert not one.passes("b" * (MAX_WORK // 2))
    with pytest.raises(Declined):
        one.passes("b" * MAX_WORK)


@given(some.text("ab%", max_size=6), some.text("abAB", max_size=8))
def test_a_pattern_is_like_what_it_says(pattern: str, text: str) -> None:
    whole = pattern if "%" in pattern else f"%{pattern}%"
    wanted = re.compile(".*".join(map(re.escape, whole.split("%"))), re.IGNORECASE | re.DOTALL)
    assert like(pattern, text) is (wanted.fullmatch(text) is not None)
