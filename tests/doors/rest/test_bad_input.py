"""What is wrong with a request is said with its code and its field, is not repeated, and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import concrete_errors
from keywright.web.errors import STATUS
from tests.doors.rest.bad_requests import Bad, table
from tests.doors.rest.bad_values import HASH, MARK

if TYPE_CHECKING:
    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

MEMBERS = {"type", "title", "status", "code", "detail", "request_id", "field"}
STATUS_BY_CODE = {error.code: STATUS[error] for error in concrete_errors()}


@dataclass(frozen=True)
class Place:
    """A house with something in it to clash with; `rows` is all that it holds."""

    house: House
    ids: dict[str, str]
    rows: dict[str, Any]


@pytest.fixture(scope="module")
async def place(anywhere: House) -> Place:
    for slug in ("blog", "shop"):
        made = await anywhere.ask("POST", "/v1/tenants", json={"slug": slug})
        assert made.status_code == 201
    await anywhere.make(handle="taken", token_hash=HASH)
    other = await anywhere.make(handle="other")
    foreign = await anywhere.make(tenant="shop")
    ids = {"other": other["key"]["id"], "foreign": foreign["key"]["id"]}
    return Place(anywhere, ids, await anywhere.rows())


@pytest.mark.parametrize("bad", tuple(table()), ids=str)
async def test_bad_input_is_refused(place: Place, bad: Bad) -> None:
    path = bad.path.format(**place.ids)
    answer = await place.house.ask(bad.method, path, token=bad.token, content=bad.body, headers=bad.headers)
    problem = answer.json()
    assert (problem["code"], problem.get("field")) == (bad.code, bad.field), answer.text
    assert answer.status_code == problem["status"] == STATUS_BY_CODE[bad.code]
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) | {"field"} == MEMBERS
    assert problem["type"] == f"urn:keywright:problem:{bad.code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert MARK not in str(answer.headers).lower() + answer.text.lower()
    # A failed login writes that it was tried, and nothing else.
    assert {**await place.house.rows(), "attempt": []} == {**place.rows, "attempt": []}
