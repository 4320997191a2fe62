"""The error tree, and the one door's map that every other door is measured by."""

from __future__ import annotations

import re

import pytest

from keywright.core import errors
from keywright.core.errors import KeywrightError, TooManyAttempts, concrete_errors
from keywright.web.errors import STATUS

ABSTRACT = {errors.KeywrightError, errors.BadInput, errors.Conflict, errors.Refused}


def every_class() -> set[type[KeywrightError]]:
    return {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, KeywrightError)
    }


def test_every_class_but_the_branches_has_a_code_of_its_own() -> None:
    assert concrete_errors() == every_class() - ABSTRACT
    assert all("code" in vars(one) for one in concrete_errors())


def test_codes_are_words_and_no_two_are_alike() -> None:
    codes = [one.code for one in concrete_errors()]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not re.fullmatch("[a-z]+(_[a-z]+)*", code)] == []


def test_a_branch_can_be_caught_and_has_no_code() -> None:
    for branch in ABSTRACT:
        assert not hasattr(branch, "code")
        assert any(issubclass(one, branch) for one in concrete_errors())


def test_every_error_has_a_status_that_fits_its_branch() -> None:
    assert STATUS.keys() == concrete_errors()
    for error, status in STATUS.items():
        if issubclass(error, errors.BadInput):
            assert status in {400, 413, 422}
        elif issubclass(error, errors.Conflict):
            assert status == 409
        elif issubclass(error, errors.Refused):
            assert status in {401, 403}
        else:
            assert status in {404, 429, 503}


@pytest.mark.parametrize("error", sorted(concrete_errors() - {TooManyAttempts}, key=str))
def test_an_error_holds_its_sentence_and_its_field(error: type[KeywrightError]) -> None:
    raised = error("A sentence.", field="scope.0.actions.1")
    assert (str(raised), raised.detail, raised.field) == ("A sentence.", "A sentence.", "scope.0.actions.1")
    assert error("A sentence.").field is None


def test_a_brake_says_how_long_to_wait() -> None:
    raised = TooManyAttempts("Wait.", retry_after=4)
    assert (raised.retry_after, raised.detail, raised.field) == (4, "Wait.", None)
