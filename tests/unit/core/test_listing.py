"""How names are compared, and what a question for a list is when nothing is said."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.listing import (
    DEFAULT_PAGE,
    FOLDED_LENGTH,
    MAX_PAGE,
    NAME_BEGINNINGS,
    Between,
    KeyQuery,
    KeySort,
    beginnings,
    fold,
)


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


@pytest.mark.parametrize(
    ("name", "found_by"),
    [
        ("Ada", ("ada",)),
        ("Ada  King-LOVELACE", ("ada  king-lovelace", "king-lovelace", "lovelace")),
        ("(Old) nightly_export", ("(old) nightly_export", "old) nightly_export", "nightly_export", "export")),
        ("O'Brien", ("o'brien", "brien")),
        ("a+b=c", ("a+b=c", "b=c", "c")),
        ("a a", ("a a", "a")),
        ("Straße 7", ("strasse 7", "7")),
        ("日本 東京", ("日本 東京", "東京")),
        ("e\u0301a\u0323b", ("\u00e9\u1ea1b",)),
        ("x\u0331y", ("x\u0331y",)),
        ("...", ("...",)),
        ("", ("",)),
    ],
)
def test_a_name_is_found_from_each_word_on(name: str, found_by: tuple[str, ...]) -> None:
    assert beginnings(name) == found_by


@given(st.text("ab -_\u00a0\u0301", max_size=300))
def test_a_name_is_found_by_its_whole_and_by_a_few_of_its_ends(name: str) -> None:
    found = beginnings(name)
    assert found[0] == fold(name)
    assert len(set(found)) == len(found) <= NAME_BEGINNINGS
    assert all(found[0].endswith(one) for one in found)


def test_a_name_of_many_words_is_found_by_the_first_ones() -> None:
    words = [f"w{number}" for number in range(40)]
    assert beginnings(" ".join(words)) == tuple(" ".join(words[start:]) for start in range(NAME_BEGINNINGS))


def test_a_list_is_newest_first_and_of_a_sensible_length_unless_asked_otherwise() -> None:
    query = KeyQuery()
    assert (query.sort, query.descending, query.limit) == (KeySort.CREATED_AT, True, DEFAULT_PAGE)
    assert query.created == query.expires == query.last_used == Between(None, None)
    assert 1 <= DEFAULT_PAGE <= MAX_PAGE
