"""The door over HTTP: methods, media types, credentials and statuses."""

from __future__ import annotations

import json
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import pytest
from graphql import execute, parse

from keywright.api.graphql.fields import Request
from keywright.core.errors import Unauthenticated, Unavailable
from keywright.services.whoami import whoami
from keywright.web.edge import MAX_BODY
from tests.doors.graphql.conftest import MAKE, RESPONSE, VERIFY, Speaker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { identity { name } } }"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def codes(answer: Mapping[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


async def test_a_query_is_answered(shared: Speaker) -> None:
    answer = await shared.post({"query": VIEWER})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"data": {"viewer": {"identity": {"name": "root"}}}}


async def test_the_content_type_of_a_request_does_not_matter(shared: Speaker) -> None:
    body = json.dumps({"query": VIEWER}).encode()
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/json"):
        assert (await shared.post(body, content_type=kind)).json()["data"]["viewer"]


@pytest.mark.parametrize("accept", ["application/json", RESPONSE, f"{RESPONSE}, application/json;q=0.9"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query": VIEWER}, None, None),
        ({"query": "{ apiKeys(first: 0) { nodes { id } } }"}, None, "invalid_value"),
        ({"query": "{"}, 400, "graphql_parse_failed"),
        ({"query": "{ nothing }"}, 400, "graphql_validation_failed"),
        ({"query": VIEWER, "operationName": "Other"}, 400, "graphql_validation_failed"),
        ({"query": "query ($n: Int!) { apiKeys(first: $n) { nodes { id } } }"}, 400, "missing_field"),
        ({"query": "{" + " a {" * 13 + " b" + " }" * 14}, 400, "query_too_deep"),
    ],
)
async def test_statuses_follow_the_media_type(
    shared: Speaker, accept: str, body: dict[str, Any], status: int | None, code: str | None
) -> None:
    """GraphQL over HTTP, "Status Codes": what was refused before it ran is a 400 for who knows GraphQL's own type."""
    answer = await shared.post(body, accept=accept)
    modern = accept != "application/json"
    assert answer.headers["content-type"] == f"{RESPONSE if modern else accept}; charset=utf-8"
    assert answer.status_code == (status if modern and status is not None else 200)
    assert ("data" in answer.json()) is (status is None)
    assert codes(answer.json() | {"errors": answer.json().get("errors", [])}) == (
        [] if code is None else [code]
    )


@pytest.mark.parametrize("accept", ["*/*", RESPONSE])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_request"),
        (b"{", "malformed_request"),
        (b"[]", "invalid_type"),
        (b'{"query": 1}', "invalid_type"),
        (b"{}", "missing_field"),
        (b'{"query": "{ __typename }", "qeury": 1}', "unknown_field"),
    ],
)
async def test_a_body_that_is_no_request_is_a_400_always(
    shared: Speaker, accept: str, body: bytes, code: str
) -> None:
    answer = await shared.post(body, accept=accept)
    assert answer.status_code == 400
    assert codes(answer.json()) == [code]
    assert "data" not in answer.json()


async def test_a_body_over_the_bound_is_refused(shared: Speaker) -> None:
    assert (await shared.post(b" " * (MAX_BODY + 1))).status_code == 413


async def test_a_browser_is_sent_to_the_explorer(shared: Speaker) -> None:
    answer = await shared.client.get("/graphql", headers={"accept": BROWSER})
    assert (answer.status_code, answer.headers["location"]) == (302, "/graphiql")
    assert answer.content == b""


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_told_the_right_one(shared: Speaker, method: str) -> None:
    answer = await shared.client.request(method, "/graphql?query={__typename}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert codes(answer.json()) == ["method_not_allowed"]


async def test_a_browser_may_not_send_by_get(shared: Speaker) -> None:
    headers = {"accept": BROWSER, "authorization": f"Bearer {shared.token}"}
    assert (await shared.client.put("/graphql", headers=headers)).status_code == 405


@pytest.mark.parametrize("accept", ["*/*", RESPONSE])
@pytest.mark.parametrize("token", [None, "nonsense", "kw_" + "0" * 37, "kws_" + "0" * 37])
async def test_without_a_credential_nothing_runs(shared: Speaker, accept: str, token: str | None) -> None:
    answer = await shared.as_(token).post({"query": VIEWER}, accept=accept)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"].startswith(RESPONSE if accept == RESPONSE else "application/json")
    assert codes(answer.json()) == ["unauthenticated"]
    assert "data" not in answer.json()


async def test_a_request_with_two_credentials_is_refused(shared: Speaker) -> None:
    answer = await shared.post({"query": VIEWER}, x_api_key="another")
    assert answer.status_code == 400
    assert codes(answer.json()) == ["malformed_request"]


async def test_a_key_may_stand_in_its_own_header(shared: Speaker) -> None:
    answer = await shared.as_(None).post({"query": VIEWER}, x_api_key=str(shared.token))
    assert answer.json()["data"]["viewer"]["identity"]["name"] == "root"


async def test_the_schema_is_public(shared: Speaker) -> None:
    nobody = shared.as_(None)
    answer = await nobody.ask(
        '{ __schema { queryType { name } } __type(name: "ApiKey") { name } __typename }'
    )
    assert answer["data"] == {
        "__schema": {"queryType": {"name": "Query"}},
        "__type": {"name": "ApiKey"},
        "__typename": "Query",
    }
    for query in (
        "{ __typename viewer { __typename } }",
        "{ ...F } fragment F on Query { tenants { nodes { id } } }",
    ):
        assert codes(await nobody.ask(query)) == ["unauthenticated"]
    assert codes(await nobody.ask(MAKE, {"input": {"name": "x"}})) == ["unauthenticated"]


async def test_a_root_field_does_not_run_without_a_caller(shared: Speaker, schema: GraphQLSchema) -> None:
    """Even if the door took a query for one about the schema alone."""
    request = Request(shared.app.services, shared.app.metrics, None)
    for query in (VIEWER, '{ verify(input: {token: "x"}) { valid } }'):
        result = execute(schema, parse(query), context_value=request)
        assert isawaitable(result)
        found = await result
        assert found.data is None
        assert isinstance((found.errors or [])[0].original_error, Unauthenticated)


async def test_the_caller_is_asked_for_once_a_request(root: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    authenticate = root.app.services.authenticate

    async def counted(*args: Any) -> Any:
        asked.append(args)
        return await authenticate(*args)

    monkeypatch.setattr(root.app.services, "authenticate", counted)
    await root.ask("{ a: viewer { __typename } b: viewer { __typename } tenants { nodes { id } } }")
    assert len(asked) == 1
    await root.ask("{ __schema { queryType { name } } }")
    assert len(asked) == 1


async def test_a_database_that_is_away(root: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_args: Any) -> Any:
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(root.app.services, "change", away)
    answer = await root.post({"query": '{ apiKey(id: "key_1") { id } }'})
    assert (answer.status_code, codes(answer.json())) == (200, ["unavailable"])
    monkeypatch.setattr(root.app.services, "authenticate", away)
    answer = await root.post({"query": VIEWER})
    assert (answer.status_code, answer.headers["retry-after"], codes(answer.json())) == (
        503,
        "1",
        ["unavailable"],
    )


async def test_a_defect_shows_nothing_of_itself(
    root: Speaker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_args: Any) -> Any:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(root.app.services, "change", broken)
    within = await root.post({"query": '{ apiKey(id: "key_1") { id } }'})
    assert within.status_code == 200
    monkeypatch.setattr(root.app.services, "authenticate", broken)
    outside = await root.post({"query": VIEWER}, accept=RESPONSE)
    assert outside.status_code == 500
    assert outside.headers["content-type"].startswith(RESPONSE)
    for answer in (within, outside):
        assert "inside" not in answer.text.replace("inside Keywright", "")
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": "internal_error", "request_id": answer.headers["x-request-id"]}
    assert sum("unexpected_error" in str(record.msg) for record in caplog.records) == 2


async def test_a_field_that_fails_takes_the_fields_of_a_query_with_it(shared: Speaker) -> None:
    """They are not null in the schema; the first failure is told, and what follows is not begun."""
    answer = await shared.ask(
        "{ viewer { __typename } apiKeys(first: 999) { nodes { id } } tenants(first: 999) { nodes { id } } }"
    )
    assert answer["data"] is None
    assert codes(answer) == ["invalid_value"]
    assert answer["errors"][0]["path"] == ["apiKeys"]


async def test_an_argument_whose_variable_is_null_after_all(shared: Speaker) -> None:
    answer = await shared.ask('query ($id: ID = "x") { apiKey(id: $id) { id } }', {"id": None})
    assert answer["data"] == {"apiKey": None}
    assert codes(answer) == ["invalid_type"]
    answer = await shared.ask(
        "query ($s: Boolean = true) { viewer @skip(if: $s) { __typename } }", {"s": None}
    )
    assert codes(answer) == ["invalid_type"]


async def test_a_verdict_is_counted(root: Speaker) -> None:
    token = (await root.make())["token"]
    await root.get(VERIFY, input={"token": token})
    await root.get(VERIFY, input={"token": "nonsense"})
    metrics = root.app.metrics.render()[0].decode()
    assert 'keywright_decisions_total{code="VALID",door="graphql"} 1.0' in metrics
    assert 'keywright_decisions_total{code="NOT_FOUND",door="graphql"} 1.0' in metrics
    assert f'keywright_use_cases_total{{outcome="ok",use_case="{whoami.name}"}}' not in metrics


async def test_the_same_text_is_parsed_once(root: Speaker) -> None:
    for number in range(3):
        await root.ask("query ($n: Int) { apiKeys(first: $n) { nodes { id } } }", {"n": number + 1})
    (door,) = [door for door in _doors(root) if hasattr(door, "documents")]
    assert len(door.documents) == 1


def _doors(root: Speaker) -> list[Any]:
    """The doors behind the dispatcher, which holds them in its closure."""
    dispatch = root.app._outermost._app._app
    (exact,) = [
        cell.cell_contents for cell in dispatch.__closure__ or () if isinstance(cell.cell_contents, dict)
    ]
    return list({id(door): door for door in exact.values()}.values())
