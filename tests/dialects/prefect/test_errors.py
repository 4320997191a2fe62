"""Every error has a form that Prefect's clients understand."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

import pytest
from graphql import GraphQLError

from keywright.core import errors
from keywright.core.errors import KeywrightError, concrete_errors
from keywright.dialects.prefect.door import PrefectDoor
from keywright.dialects.prefect.errors import (
    API_ERROR,
    FORBIDDEN,
    SAID,
    UNAUTHENTICATED,
    MalformedHeader,
    fault_of,
    fault_of_field,
    refuse,
)
from keywright.web.visit import Visit, attach
from tests.web.test_errors import an_error

VISIT = Visit("the-request", None, [])
CODES = {UNAUTHENTICATED, FORBIDDEN, "BAD_USER_INPUT", "TOO_MANY_REQUESTS", API_ERROR}


def test_the_map_is_total_and_holds_nothing_else() -> None:
    assert set(SAID) == concrete_errors()


@pytest.mark.parametrize("kind", sorted(SAID, key=attrgetter("code")))
def test_the_form_of_an_error(kind: type[KeywrightError]) -> None:
    fault = fault_of(an_error(kind), ["create_api_key"])
    assert list(fault.plain) == ["path", "message", "extensions"]
    assert fault.plain["path"] == ["create_api_key"]
    assert fault.plain["extensions"]["code"] in CODES
    assert fault.plain["message"]
    assert fault.status != 429  # to which clients sleep for minutes


def test_what_clients_tell_apart() -> None:
    for kind in SAID:
        fault = fault_of(an_error(kind))
        code = fault.plain["extensions"]["code"]
        if issubclass(kind, errors.Refused | errors.NotFound):
            assert (fault.status, fault.plain["message"]) == (
                200,
                "Unauthenticated" if code == UNAUTHENTICATED else "Unauthorized",
            )
        else:
            assert UNAUTHENTICATED not in json.dumps(fault.plain)
        # It makes clients ask again, which helps where the database is away, and nowhere else.
        assert (API_ERROR in json.dumps(fault.plain)) is issubclass(kind, errors.Unavailable)
        assert (fault.status >= 500) is issubclass(kind, errors.Unavailable)


def test_what_may_not_be_done_and_what_is_not_there_have_one_word() -> None:
    denied, missing = (SAID[kind] for kind in (errors.PermissionDenied, errors.NotFound))
    assert denied == missing


def test_a_header_that_cannot_be_read() -> None:
    assert fault_of(MalformedHeader()).plain == {
        "message": "Malformed Authorization header",
        "extensions": {"code": UNAUTHENTICATED},
    }


def test_a_new_kind_of_error_is_said_as_what_it_is_a_kind_of() -> None:
    class Newest(errors.InvalidValue):
        """An error that nobody thought of here."""

    assert fault_of(Newest("A sentence.")).plain == {
        "message": "A sentence.",
        "extensions": {"code": "BAD_USER_INPUT"},
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, 500), (errors.Unavailable("Away."), 503), (errors.BodyTooLarge("Much."), 413)],
)
def test_what_escapes_the_door(error: KeywrightError | None, status: int) -> None:
    answer = refuse(error, VISIT)
    assert answer.status == status
    found = json.loads(answer.body)
    assert list(found) == ["errors"]
    if error is None:
        assert (
            found["errors"][0]["message"] == "Unable to complete operation. An internal API error occurred."
        )


def test_a_defect_in_a_field_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    defect = GraphQLError("inside", path=["tenant", 0], original_error=RuntimeError("inside"))
    fault = fault_of_field(defect)
    assert fault.status == 500
    assert "inside" not in json.dumps(fault.plain)
    assert fault.plain["path"] == ["tenant", 0]
    capsys.readouterr()


class Failing:
    """Services of which one thing is known: how authenticating fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def authenticate(self, _token: str | None, _ip: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [(errors.Unavailable("Away."), 503), (RuntimeError("inside"), 500)],
    ids=["away", "defect"],
)
@pytest.mark.parametrize("in_array", [False, True])
@pytest.mark.anyio
async def test_what_clients_ask_for_again(error: Exception, status: int, in_array: bool) -> None:
    """Also in an array one operation that cannot be relied on says so for all."""
    asked = {"query": "{ auth_info { tenant_id } hello }"}
    visit = Visit(
        "the-request", None, [], json.dumps([asked, {"query": "{ hello }"}] if in_array else asked).encode()
    )
    scope: dict[str, Any] = {"method": "POST", "path": "/dialects/prefect/", "root_path": "/dialects/prefect"}
    attach(scope, visit)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await PrefectDoor(Failing(error))(scope, None, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == status
    body = json.loads(sent[1]["body"])
    found = body[0] if in_array else body
    assert found["data"] == {"auth_info": None, "hello": "👋"}
    assert found["errors"][0]["extensions"] == {"code": API_ERROR}
    assert "inside" not in json.dumps(body)
