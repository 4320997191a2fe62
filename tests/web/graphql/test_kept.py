"""Documents kept by their text: those used last, within bounds, and none that holds a token."""

from __future__ import annotations

import pytest

from keywright.core.tokens import mint
from keywright.web.graphql.kept import MAX_KEPT, MAX_KEPT_LENGTH, MAX_KEPT_TOTAL, Kept


def test_what_is_kept_is_found_by_its_text_alone() -> None:
    kept: Kept[object] = Kept()
    document = object()
    assert kept.find("a") is None
    kept.keep("a", document)
    assert kept.find("a") is document
    assert kept.find("a ") is None


def test_those_used_last_are_kept() -> None:
    kept: Kept[int] = Kept()
    for number in range(MAX_KEPT):
        kept.keep(f"q{number}", number)
    assert kept.find("q0") == 0
    kept.keep("new", -1)
    assert len(kept) == MAX_KEPT
    assert (kept.find("q0"), kept.find("q1"), kept.find("new")) == (0, None, -1)


@pytest.mark.parametrize("total", [MAX_KEPT_TOTAL, 64 * 1024])
def test_the_texts_are_bounded_together(total: int) -> None:
    kept: Kept[int] = Kept(total)
    for number in range(2 * total // MAX_KEPT_LENGTH):
        kept.keep(f"{number}".ljust(MAX_KEPT_LENGTH), number)
    assert len(kept) == total // MAX_KEPT_LENGTH
    assert kept.find(f"{2 * total // MAX_KEPT_LENGTH - 1}".ljust(MAX_KEPT_LENGTH)) is not None


def test_a_long_text_is_not_kept() -> None:
    kept: Kept[int] = Kept()
    kept.keep("x" * MAX_KEPT_LENGTH, 1)
    kept.keep("y" * (MAX_KEPT_LENGTH + 1), 2)
    assert len(kept) == 1


@pytest.mark.parametrize("prefix", ["kw", "kws", "acme"])
def test_a_text_that_holds_a_token_is_not_kept(prefix: str) -> None:
    kept: Kept[int] = Kept()
    kept.keep(f'{{ a(token: "{mint(prefix).reveal()}") }}', 1)
    assert len(kept) == 0
