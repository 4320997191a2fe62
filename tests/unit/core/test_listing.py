"""How names are compared, and what a question for a list is when nothing is said."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.listing import DEFAULT_PAGE, FOLDED_LENGTH, MAX_PAGE, Between, KeyQuery, KeySort, fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("Élan", "e\u0301LAN"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ﬁle", "FILE"),
    ],
)
def test_names_that_people_take_for_one_are_folded_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(st.characters(codec=None)))
def test_folding_is_bounded_and_repeating_it_changes_nothing(text: str) -> None:
    folded = fold(text)
    assert len(folded) <= FOLDED_LENGTH
    assert fold(folded) == folded


@given(st.text(max_size=60))
def test_letter_case_and_composition_do_not_count(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127), max_size=80))
def test_plain_letters_fold_to_lower_case(text: str) -> None:
    assert fold(text.upper()) == fold(text) == text.lower()


def test_a_list_is_newest_first_and_of_a_sensible_length_unless_asked_otherwise() -> None:
    query = KeyQuery()
    assert (query.sort, query.descending, query.limit) == (KeySort.CREATED_AT, True, DEFAULT_PAGE)
    assert query.created == query.expires == query.last_used == Between(None, None)
    assert 1 <= DEFAULT_PAGE <= MAX_PAGE
