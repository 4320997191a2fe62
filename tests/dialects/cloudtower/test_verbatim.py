"""The calls of CloudTower's documents, each sent as the text that it is, and what comes back in a wrong one's place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from keywright.dialects.cloudtower.rest import OPEN, OPERATIONS
from tests.dialects.cloudtower.calls import CREATE, DELETE, own_id
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from tests.dialects.cloudtower.calls import Tower

LOGIN = b'{"username":"ada","source":"LOCAL","password":"%s"}' % PASSWORD.encode()
CREATE_BODY = (
    b'{"query":"mutation createApiKey($name: String!) { createApiKey(data: { name: $name }) '
    b'{ id key roles { id preset }}}","variables":{"name":"from-the-documents"}}'
)
DELETE_BODY = (
    '{"query":"mutation deleteApiKey($key: String!) { deleteApiKey(where: { key: $key }) { id } }",'
    '"variables":{"key":"%s"}}'
)
VMS = b'{"where":{}}'
CUID = re.compile(r"c[0-9a-z]{24}")
UNKNOWN = {
    "path": "/get-vms",
    "status": 401,
    "message": "The token or API key is not known, or not any more.",
    "code": "Unauthorized",
}


def test_from_a_login_to_a_released_key(tower: Tower) -> None:
    answer = tower.post("/v2/api/login", LOGIN)
    assert answer.status_code == 200
    assert answer.json().keys() == {"task_id", "data"}
    assert answer.json()["task_id"] is None
    token = answer.json()["data"]["token"]
    answer = tower.post("/api/", CREATE_BODY, token)
    assert answer.status_code == 200
    made = answer.json()["data"]["createApiKey"]
    assert made.keys() == {"id", "key", "roles"}
    assert CUID.fullmatch(made["id"])
    assert [role["preset"] for role in made["roles"]] == ["ADMIN"]
    assert CUID.fullmatch(made["roles"][0]["id"])
    for authorization in (made["key"], f"Bearer {made['key']}", f"bearer  {made['key']}", token):
        answer = tower.post("/v2/api/get-vms", VMS, authorization)
        assert (answer.status_code, answer.text) == (200, "[]")
    answer = tower.post("/api/", (DELETE_BODY % made["key"]).encode(), token)
    assert answer.json() == {"data": {"deleteApiKey": {"id": made["id"]}}}
    answer = tower.post("/v2/api/get-vms", VMS, made["key"])
    assert (answer.status_code, answer.json()) == (401, UNKNOWN)
    again = tower.post("/api/", (DELETE_BODY % made["key"]).encode(), token).json()
    assert again["data"] == {"deleteApiKey": None}
    assert again["errors"][0]["extensions"] == {"code": "NotFound", "status": 404}


def test_a_key_is_deleted_by_its_id_too(tower: Tower, ada: str) -> None:
    made, other = tower.key(ada), tower.key(ada)
    by_id = "mutation ($where: ApiKeyWhereUniqueInput!) { deleteApiKey(where: $where) { id key name } }"
    mixed = {"id": made["id"], "key": other["key"]}
    assert tower.ask(by_id, ada, where=mixed)["errors"][0]["extensions"]["code"] == "NotFound"
    assert tower.ask(by_id, ada, where={})["errors"][0]["extensions"]["code"] == "MissingField"
    both = {"id": other["id"], "key": other["key"]}
    assert tower.asked(by_id, ada, where=both)["deleteApiKey"]["id"] == other["id"]
    gone = tower.asked(by_id, ada, where={"id": made["id"]})["deleteApiKey"]
    assert gone == {"id": made["id"], "key": None, "name": "A key"}
    assert [tower.rest("get-vms", one["key"]).status_code for one in (made, other)] == [401, 401]
    assert tower.ask(by_id, ada, where={"id": made["id"]})["data"] == {"deleteApiKey": None}


def test_a_key_is_found_and_changed(tower: Tower, ada: str) -> None:
    made = tower.key(ada, "before")
    one = "query ($where: ApiKeyWhereUniqueInput!) { apiKey(where: $where) { id key name description username } }"
    row = {"id": made["id"], "key": None, "name": "before", "description": "", "username": "ada"}
    for where in ({"id": made["id"]}, {"key": made["key"]}, {"id": made["id"], "key": made["key"]}):
        assert tower.asked(one, ada, where=where) == {"apiKey": row}
    for where in ({"id": "c" + "0" * 24}, {"id": "nothing"}, {"key": "nothing"}, {"key": ada}):
        assert tower.asked(one, ada, where=where) == {"apiKey": None}
    update = (
        "mutation ($data: ApiKeyUpdateInput!, $where: ApiKeyWhereUniqueInput!) "
        "{ updateApiKey(data: $data, where: $where) { name description key } }"
    )
    where = {"key": made["key"]}
    for data, name, description in (
        ({"name": "after"}, "after", ""),
        ({"description": "of tests"}, "after", "of tests"),
        ({}, "after", "of tests"),
        ({"description": None}, "after", ""),
    ):
        changed = tower.asked(update, ada, data=data, where=where)["updateApiKey"]
        assert changed == {"name": name, "description": description, "key": None}
    assert tower.ask(update, ada, data={"name": None}, where=where)["errors"][0]["extensions"] == {
        "code": "InvalidValue",
        "status": 400,
        "props": {"field": "data.name"},
    }
    found = tower.keywright.rest("GET", f"/v1/keys/{own_id(made['id'])}", tenant="default")
    assert (found["name"], found["scope"]) == ("after", None)


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "Send a token or an API key in the Authorization header."),
        ("", "Send a token or an API key in the Authorization header."),
        ("Bearer", UNKNOWN["message"]),
        ("kw_nobody", UNKNOWN["message"]),
        ("Basic YWRhOnBhc3N3b3Jk", UNKNOWN["message"]),
        ("Bearer kw_nobody", UNKNOWN["message"]),
        ("kws_" + "0" * 37, UNKNOWN["message"]),
    ],
    ids=["none", "empty", "scheme alone", "unknown", "basic", "bearer", "session"],
)
def test_what_is_no_credential_is_refused_in_both_forms(
    tower: Tower, authorization: str | None, message: str
) -> None:
    answer = tower.post("/v2/api/get-vms", VMS, authorization)
    assert (answer.status_code, answer.json()) == (401, {**UNKNOWN, "message": message})
    assert answer.headers["www-authenticate"] == 'Bearer realm="keywright"'
    answer = tower.post("/api", {"query": "{ apiKeys { id } }"}, authorization)
    assert answer.status_code == 401
    extensions = {"code": "Unauthorized", "status": 401}
    assert answer.json() == {"data": None, "errors": [{"message": message, "extensions": extensions}]}


def test_a_credential_that_is_stopped_says_why(tower: Tower, ada: str) -> None:
    keywright = tower.keywright
    disabled = tower.key(ada)
    keywright.rest("PATCH", f"/v1/keys/{own_id(disabled['id'])}", {"active": False}, tenant="default")
    answer = tower.rest("get-vms", disabled["key"])
    assert answer.json() == {**UNKNOWN, "message": "The API key is disabled."}
    ended = tower.login("ada")
    keywright.rest("DELETE", "/v1/sessions/current", token=ended)
    answer = tower.rest("get-vms", ended)
    assert answer.json() == {**UNKNOWN, "message": "The session has ended. Log in again."}


def test_a_repeated_header_is_a_guess_too_many(tower: Tower, ada: str) -> None:
    url = f"{tower.keywright.at('cloudtower')}/v2/api/get-vms"
    headers = [("Authorization", ada), ("Authorization", "kw_nobody"), ("Content-Type", "application/json")]
    answer = tower.keywright.http.post(url, content=VMS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")


@pytest.mark.parametrize("path", ["/api", "/api/"])
def test_graphql_is_at_both_paths_and_never_redirected(tower: Tower, ada: str, path: str) -> None:
    answer = tower.post(path, {"query": "{ apiKeys(first: 0) { id } }"}, ada)
    assert (answer.status_code, answer.json()) == (200, {"data": {"apiKeys": []}})
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        answer = tower.keywright.http.request(method, tower.keywright.at("cloudtower") + path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert answer.json()["errors"][0]["extensions"]["code"] == "MethodNotAllowed"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_each_operation_judges_the_credential_and_its_body(tower: Tower, ada: str, name: str) -> None:
    assert tower.rest(name, ada).status_code == 200
    assert tower.post(f"/v2/api/{name}", b"", ada).status_code == 200
    assert tower.rest(name).json()["path"] == f"/{name}"
    assert tower.rest(name, "kw_nobody").status_code == 401
    assert tower.post(f"/v2/api/{name}", b"[]", ada).json()["code"] == "BadRequest"
    answer = tower.keywright.http.get(f"{tower.keywright.at('cloudtower')}/v2/api/{name}")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (
        405,
        "MethodNotAllowed",
        "POST",
    )


def test_what_anybody_may_ask(tower: Tower) -> None:
    at = tower.keywright.at("cloudtower")
    assert set(OPEN) == {"get-version", "login"}
    for method in ("GET", "POST"):
        assert tower.keywright.http.request(method, f"{at}/v2/api/get-version").json() == "4.6.0"
    assert tower.keywright.http.get(f"{at}/api/healthz").status_code == 200
    for token in (None, "kw_nobody"):
        strategies = tower.ask("{ authnStrategies { id type } }", token)["data"]["authnStrategies"]
        assert [one["type"] for one in strategies] == ["LOCAL"]
        assert "errors" not in tower.ask("{ __schema { queryType { name } } }", token)
    for query in (
        "{ authnStrategies { id } apiKeys { id } }",
        "{ ...all } fragment all on Query { users { id } }",
    ):
        assert tower.ask(query)["errors"][0]["extensions"]["code"] == "Unauthorized"


@pytest.mark.parametrize(
    "path", ["", "/", "/v2", "/v2/api", "/v2/api/", "/v2/api/get-llamas", "/api/users", "/x"]
)
def test_what_is_not_there(tower: Tower, ada: str, path: str) -> None:
    answer = tower.post(path, VMS, ada)
    assert answer.status_code == 404
    assert answer.json().keys() == {"path", "status", "message", "code"}
    assert (answer.json()["code"], answer.json()["path"]) == ("NoSuchOperation", "/")


def test_every_answer_has_an_id(tower: Tower, ada: str) -> None:
    given = "0193a0b1-c2d3-7e4f-8a9b-0c1d2e3f4a5b"
    for path, body in (
        ("/v2/api/get-vms", VMS),
        ("/api", b"x"),
        ("/nothing", b""),
        ("/api", b"x" * 1_100_000),
    ):
        answer = tower.post(path, body, ada, **{"X-Request-Id": given})
        assert answer.headers["x-tower-request-id"] == answer.headers["x-request-id"] == given


def test_a_body_that_cannot_be_read_is_refused_in_both_forms_at_once(tower: Tower) -> None:
    for path in ("/api", "/v2/api/login"):
        answer = tower.post(path, b"x" * 1_100_000)
        found = answer.json()
        assert (answer.status_code, found["code"], found["status"]) == (413, "PayloadTooLarge", 413)
        assert found["errors"][0]["extensions"]["code"] == "PayloadTooLarge"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"query": 1}',
        b'{"query": null}',
        b'{"query": "{ users { id } }", "variables": []}',
        b'{"query": "{ users { id } }", "operationName": 1}',
        b'{"query": "{ users { id } }", "operationName": "other"}',
        b'{"query": "{ llamas { id } }"}',
        b'{"query": "{ users { id }"}',
        b'{"query": "query a { users { id } } query b { users { id } }"}',
        b'{"query": "mutation { createApiKey(data: {}) { id } }"}',
        b'{"query": "query ($first: Int!) { users(first: $first) { id } }"}',
        b'{"query": "query ($first: Int) { users(first: $first) { id } }", "variables": {"first": "x"}}',
        b'{"query": "{ users(where: { shoe_size: 46 }) { id } }"}',
        b'{"query": "{ users { id } }", "variables": {"x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
        b'{"query": "{ users { id } }", "variables": {"x": ' + b"[" * 100 + b"]" * 100 + b"}}",
    ],
    ids=range(18),
)
def test_a_query_that_cannot_be_run(tower: Tower, ada: str, body: bytes) -> None:
    answer = tower.post("/api", body, ada)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] in {"BadRequest", "GraphQLValidationFailed"}
    assert answer.json().get("data") is None


def test_nothing_that_was_refused_was_made(tower: Tower, ada: str) -> None:
    before = tower.rest("get-api-keys-connection", ada).json()
    for name in ("", " ", "x" * 300, "with\nlines", ada, None, 5):
        answer = tower.post("/api", {"query": CREATE, "variables": {"name": name}}, ada)
        found = answer.json()
        assert found["errors"][0]["extensions"]["status"] == 400
        assert ada not in answer.text
    assert tower.rest("get-api-keys-connection", ada).json() == before


def test_a_token_is_in_the_answer_that_made_it_and_nowhere_else(tower: Tower, ada: str) -> None:
    made = tower.key(ada, "shown once")
    secret = made["key"]
    inline = f'mutation {{ deleteApiKey(where: {{ id: "x", key: "{secret}" }}) {{ id key }} }}'
    answers: list[Any] = [
        tower.rest("get-api-keys", ada).text,
        tower.rest("get-api-keys", ada, where={"key": secret}).text,
        tower.rest("get-api-keys", ada, where={"name": secret, secret: 1}).text,
        tower.rest("get-users", secret).text,
        tower.rest("get-my-info", secret).text,
        tower.rest(secret, ada).text,
        tower.rest("login", username=secret, password=secret, mfa_code=secret).text,
        tower.ask("{ apiKeys { id key name user { username } roles { name } } }", ada),
        tower.ask(f'{{ apiKey(where: {{ key: "{secret}" }}) {{ id key }} }}', ada),
        tower.ask(f"{{ apiKey(where: {{ key: {secret} }}) {{ id key }} }}", ada),
        tower.ask(f"{{ {secret} }}", ada),
        tower.ask(CREATE, ada, name=secret),
        tower.ask(DELETE, ada, key=[secret]),
        tower.ask(inline, ada),
        tower.asked(DELETE, ada, key=secret),
    ]
    assert secret not in json.dumps(answers)
    assert ada not in json.dumps(answers)
    log = tower.keywright.process.errors() + tower.keywright.process.output()
    assert secret not in log
    assert ada not in log
    assert PASSWORD not in log
    assert "unexpected_error" not in log
