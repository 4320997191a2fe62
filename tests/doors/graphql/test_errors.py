"""Every error of the core has its place in the answers of this door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import GraphQLError, SourceLocation

from keywright.api.graphql.errors import INTERNAL, executed, fault, fault_of, field_name
from keywright.core.errors import (
    BeyondOwnRights,
    Fault,
    InvalidCatalog,
    InvalidCidr,
    KeywrightError,
    SecondFactorRequired,
    TooManyAttempts,
    concrete_errors,
)
from keywright.core.permissions import Policy
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from _pytest.logging import LogCaptureFixture


def an(kind: type[KeywrightError]) -> KeywrightError:
    if kind is TooManyAttempts:
        return TooManyAttempts("Wait.", retry_after=7)
    if kind is SecondFactorRequired:
        return SecondFactorRequired("More is needed.", factors=["totp"])
    if kind is InvalidCatalog:
        return InvalidCatalog([Fault("roles.editor", "unknown_variable", "No such variable.")])
    return kind("A sentence.", field="allowed_cidrs.3")


@pytest.mark.parametrize("kind", sorted(concrete_errors(), key=str))
def test_every_error_keeps_its_code(kind: type[KeywrightError]) -> None:
    error = an(kind)
    located = GraphQLError(
        "never shown", path=["createApiKey"], original_error=GraphQLError("", original_error=error)
    )
    for found in (fault_of(error), executed(located, "id")):
        assert found["message"] == error.detail
        assert found["extensions"]["code"] == kind.code
        assert found["extensions"].items() >= error.extras.items()
    assert kind in STATUS, "what is refused before anything ran has a status"


def test_an_error_tells_its_field_in_the_words_of_this_door() -> None:
    assert fault_of(InvalidCidr("No.", field="allowed_cidrs.3"))["extensions"] == {
        "code": "invalid_cidr",
        "field": "allowedCidrs.3",
    }
    assert fault_of(InvalidCidr("No."))["extensions"] == {"code": "invalid_cidr"}
    assert fault_of(InvalidCidr("No.", field=""))["extensions"] == {"code": "invalid_cidr"}
    beyond = fault_of(BeyondOwnRights("No.", policy=Policy.parse(["a"], ["b:*"])))
    assert beyond["extensions"]["policy"] == {"actions": ["a"], "resources": ["b:*"]}
    wait = fault_of(TooManyAttempts("Wait.", retry_after=7))
    assert wait["extensions"] == {"code": "too_many_attempts", "retry_after": 7}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("name", "name"),
        ("expires_at", "expiresAt"),
        ("last_used_ip", "lastUsedIp"),
        ("scope.0.actions.1", "scope.0.actions.1"),
        ("limit", "first"),
        ("cursor", "after"),
        ("Idempotency-Key", "idempotencyKey"),
        ("Authorization", "Authorization"),
    ],
)
def test_fields_are_called_as_in_the_schema(name: str, expected: str) -> None:
    assert field_name(name) == expected


def test_places_and_paths_are_kept() -> None:
    found = fault("a_code", "A sentence.", locations=[SourceLocation(2, 3)], path=["a", 0], more=None)
    assert found == {
        "message": "A sentence.",
        "locations": [{"line": 2, "column": 3}],
        "path": ["a", 0],
        "extensions": {"code": "a_code"},
    }


def test_what_nobody_expected_tells_nothing_and_is_logged(caplog: LogCaptureFixture) -> None:
    defect = ZeroDivisionError("a secret of the inside")
    found = executed(GraphQLError(str(defect), path=["viewer"], original_error=defect), "the-request-id")
    assert found == {
        "message": INTERNAL,
        "path": ["viewer"],
        "extensions": {"code": "internal_error", "request_id": "the-request-id"},
    }
    (record,) = caplog.records
    assert "unexpected_error" in str(record.msg)
    bare = executed(GraphQLError("a secret of the inside"), "the-request-id")
    assert bare["message"] == INTERNAL
