"""The error tree, and the one door's map that every other door is measured by."""

from __future__ import annotations

import json
import re

import pytest

from keywright.core import errors
from keywright.core.errors import (
    Fault,
    InvalidCatalog,
    KeywrightError,
    SecondFactorRequired,
    TooManyAttempts,
    concrete_errors,
)
from keywright.core.permissions import Policy
from keywright.web.errors import STATUS

GONE = {errors.InvitationExpired, errors.InvitationUsed}
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
            assert status == (410 if error in GONE else 409)
        elif issubclass(error, errors.Refused):
            assert status in {401, 403}
        else:
            assert status in {404, 429, 503}


WITH_MORE = {TooManyAttempts, InvalidCatalog, SecondFactorRequired}


@pytest.mark.parametrize("error", sorted(concrete_errors() - WITH_MORE, key=str))
def test_an_error_holds_its_sentence_and_its_field(error: type[KeywrightError]) -> None:
    raised = error("A sentence.", field="scope.0.actions.1")
    assert (str(raised), raised.detail, raised.field) == ("A sentence.", "A sentence.", "scope.0.actions.1")
    assert error("A sentence.").field is None
    assert raised.extras == {}


@pytest.mark.parametrize(
    ("raised", "extras"),
    [
        (errors.UnknownAction("Not known.", nearest="article:read"), {"nearest": "article:read"}),
        (errors.UnknownEntity("Not known.", nearest="cs"), {"nearest": "cs"}),
        (SecondFactorRequired("More.", factors=["totp", "passkey"]), {"factors": ["totp", "passkey"]}),
        (
            errors.BeyondOwnRights("Too much.", field="scope.0", policy=Policy.parse(["a"], ["b:*"])),
            {"policy": {"actions": ["a"], "resources": ["b:*"]}},
        ),
        (
            InvalidCatalog(
                [Fault("roles.editor", "unknown_variable", "No."), Fault("", "empty", "Nothing.")]
            ),
            {
                "faults": [
                    {"path": "roles.editor", "code": "unknown_variable", "detail": "No."},
                    {"path": "", "code": "empty", "detail": "Nothing."},
                ]
            },
        ),
    ],
    ids=lambda one: one.code if isinstance(one, KeywrightError) else "",
)
def test_an_error_may_tell_a_program_more(raised: KeywrightError, extras: dict[str, object]) -> None:
    assert raised.extras == extras
    assert json.loads(json.dumps(extras)) == extras


def test_a_catalog_that_cannot_be_accepted_points_at_its_first_fault() -> None:
    raised = InvalidCatalog([Fault("roles.editor", "unknown_variable", "No such variable.")])
    assert raised.field == "roles.editor"
    assert raised.detail == "The catalog cannot be accepted: No such variable."
    assert InvalidCatalog([Fault("", "empty", "Nothing.")]).field is None


def test_a_brake_says_how_long_to_wait() -> None:
    raised = TooManyAttempts("Wait.", retry_after=4)
    assert (raised.retry_after, raised.detail, raised.field) == (4, "Wait.", None)
