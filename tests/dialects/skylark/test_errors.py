"""Each error of ours has a form in Skylark's words, and what nobody expected says nothing."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError

from keywright.core import errors
from keywright.core.errors import Fault, KeywrightError, concrete_errors
from keywright.core.ids import uuid7
from keywright.core.permissions import Policy
from keywright.dialects.skylark import DIALECT
from keywright.dialects.skylark.errors import ERROR_TYPES, STATUS, executed, message_of
from keywright.web.visit import Visit

if TYPE_CHECKING:
    from keywright.web.mounts import Answer

VISIT = Visit(uuid7(), None, [])
EVERY = sorted(concrete_errors(), key=attrgetter("code"))


def an_error(kind: type[KeywrightError], field: str | None = None) -> KeywrightError:
    if kind is errors.TooManyAttempts:
        return errors.TooManyAttempts("Wait.", retry_after=7)
    if kind is errors.SecondFactorRequired:
        return errors.SecondFactorRequired("More is needed.", factors=["totp"])
    if kind is errors.InvalidCatalog:
        return errors.InvalidCatalog([Fault(field or "", "unknown_variable", "No such variable.")])
    return kind("A sentence.", field=field)


def body(answer: Answer) -> Any:
    return json.loads(answer.body)


def test_the_map_is_total_and_holds_nothing_else() -> None:
    assert set(ERROR_TYPES) == concrete_errors()


@pytest.mark.parametrize("kind", EVERY)
def test_each_error_in_either_place(kind: type[KeywrightError]) -> None:
    error = an_error(kind, "handle.0")
    answer = DIALECT.refuse(error, VISIT)
    found = body(answer)
    (entry,) = found["errors"]
    assert found["data"] is None
    assert entry["errorType"] == ERROR_TYPES[kind]
    assert 400 <= answer.status < 600
    assert answer.status != 500
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    inside = executed(GraphQLError("", path=["createApiKey"], original_error=error))
    assert inside == {**entry, "path": ["createApiKey"]}
    # Clients take this type for a wrong key, and this beginning for a permission that is lacking.
    assert (entry["errorType"] == "UnauthorizedException") is (answer.status == 401)
    if issubclass(kind, errors.BadInput) and kind is not errors.SecretInText:
        assert entry["message"] == f"name: {error.detail}"


@pytest.mark.parametrize(
    ("kind", "status"),
    [(errors.BodyTooLarge, 413), (errors.MalformedRequest, 400), (errors.Unavailable, 503)],
)
def test_the_status_of_what_is_refused_before_the_door(kind: type[KeywrightError], status: int) -> None:
    assert DIALECT.refuse(an_error(kind), VISIT).status == status


def test_how_long_to_wait() -> None:
    answer = DIALECT.refuse(an_error(errors.TooManyAttempts), VISIT)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")


def test_a_permission_that_is_lacking_is_named() -> None:
    beyond = errors.BeyondOwnRights
    assert message_of(beyond("", policy=Policy.parse(["skylark:write"]))) == (
        "Forbidden: requires WRITE permissions"
    )
    for error in (beyond(""), beyond("", policy=Policy.parse(["**"]))):
        assert message_of(error) == "Forbidden: requires permissions that the API key in use lacks"


def test_the_field_that_is_wrong_leads_in_skylarks_words() -> None:
    for ours, theirs in (("expires_at", "expires"), ("scope.0.actions.1", "permissions"), ("name", "name")):
        assert message_of(errors.InvalidValue("A sentence.", field=ours)) == f"{theirs}: A sentence."
    for unknown in (None, "identity_id"):
        assert message_of(errors.InvalidValue("A sentence.", field=unknown)) == "A sentence."


def test_a_defect_says_nothing() -> None:
    answer = DIALECT.refuse(None, VISIT)
    assert answer.status == STATUS["InternalFailure"] == 500
    inside = executed(GraphQLError("secret", path=["a", 0], original_error=ValueError("secret")))
    for entry in (body(answer)["errors"][0], inside):
        assert (entry["errorType"], entry["message"]) == ("InternalFailure", "An internal failure occurred.")


def test_an_error_in_an_error_is_found() -> None:
    outer = GraphQLError("", original_error=GraphQLError("", original_error=errors.NotFound("x")))
    assert executed(outer)["errorType"] == "NotFound"


def test_what_graphql_itself_finds_while_it_runs() -> None:
    found = executed(GraphQLError("Argument 'name' of required type 'String!' was not provided."))
    assert (found["errorType"], found["path"]) == ("InvalidInput", None)
    assert found["message"] == 'Argument "name" of required type "String!" was not provided.'
