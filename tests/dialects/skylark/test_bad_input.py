"""Whatever stands in an argument, the answer is one of Skylark's, nothing is half done, and no token is told twice."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialects.skylark.speaker import CREATE, DELETE, LIST, UPDATE, USER

if TYPE_CHECKING:
    from tests.dialects.skylark.speaker import Speaker

BAD: list[Any] = [
    *(None, "", " ", "\0", "\n", "\u2028", "x" * 100_000, "é", "../..", "' OR 1=1 --", "${x}", "{{7*7}}"),
    *(0, -1, 1.5, 2**63, 10**40, 1e308, True, [], [None], [[]], {}, {"a": 1}, ["READ", None], ["read"]),
    *(
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:01Z",
    ),
]
NULLED = """mutation ($name: String, $permissions: [SkylarkAPIPermission]) {
    createApiKey(api_key: {name: $name, permissions: $permissions}) { name }
}"""
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
fields = st.dictionaries(st.sampled_from(["name", "active", "expires", "permissions"]), anything, max_size=4)


def told(answer: Any) -> Any:
    """The body of an answer that has Skylark's form, and is no defect."""
    assert answer.status_code in {200, 400}, answer.text
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    for error in found.get("errors", ()):
        assert error["errorType"] != "InternalFailure"
        assert len(error["message"]) < 1_000
    return found


@pytest.mark.parametrize("field", ["name", "active", "expires", "permissions"])
def test_every_field_with_everything(here: Speaker, field: str) -> None:
    here.create("steady", "READ", expires="2090-01-01T00:00Z")
    before = here.get(LIST)
    made = set()
    for value in BAD:
        good = {"name": "made_here", "permissions": ["READ"]}
        found = told(here.post({"query": CREATE, "variables": {"api_key": {**good, field: value}}}))
        if "errors" not in found:
            made.add(found["data"]["createApiKey"]["name"])
            here.get(DELETE, name="made_here")
        found = told(here.post({"query": UPDATE, "variables": {"name": "steady", "api_key": {field: value}}}))
        if "errors" not in found:
            form = {"active": True, "expires": "2090-01-01T00:00Z", "permissions": ["READ"]}
            here.get(UPDATE, name="steady", api_key=form)
    assert made <= {"made_here"}
    assert here.get(LIST) == before
    here.get(DELETE, name="steady")


def test_every_name_with_everything(here: Speaker) -> None:
    before = here.get(LIST)
    for value, query in itertools.product(BAD, (UPDATE, DELETE)):
        found = told(here.post({"query": query, "variables": {"name": value, "api_key": {}}}))
        assert found["errors"][0]["errorType"] in {"InvalidInput", "NotFound", "ValidationError"}
    assert here.get(LIST) == before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything, fields)
def test_anything_at_all(here: Speaker, name: Any, given_fields: Any) -> None:
    for query in (CREATE, UPDATE, DELETE):
        told(here.post({"query": query, "variables": {"name": name, "api_key": given_fields}}))


def test_a_variable_that_is_left_out_or_null_in_a_place_that_takes_none(here: Speaker) -> None:
    for variables in ({}, {"name": None}, {"name": "n", "permissions": None}, {"permissions": ["READ"]}):
        found = told(here.post({"query": NULLED, "variables": variables}))
        assert found["errors"][0]["errorType"] in {"InvalidInput", "ValidationError"}
    assert "n" not in {key["name"] for key in here.get(LIST)}


def test_a_token_is_told_by_the_call_that_made_it_and_never_again(here: Speaker) -> None:
    made = here.create("told_once", "READ", "KEY_MANAGEMENT")
    token = made["api_key"]
    assert here.post({"query": LIST}).text.count(token) == 0
    texts = []
    for query, variables in (
        (CREATE, {"api_key": {"name": token, "permissions": []}}),
        (CREATE, {"api_key": {"name": "a", "permissions": [token]}}),
        (CREATE, {"api_key": {"name": "a", "permissions": [], "expires": token}}),
        (CREATE, {"api_key": {"name": "a", "permissions": [], token: 1}}),
        (UPDATE, {"name": token, "api_key": {"name": token}}),
        (UPDATE, {"name": "told_once", "api_key": {"name": token}}),
        (UPDATE, {"name": "told_once", "api_key": {"active": token}}),
        (DELETE, {"name": token}),
        (f'mutation {{ deleteApiKey(name: "{token}") }}', {}),
        (f"{{ {token} }}", {}),
        (f"{{ listApiKeys {{ {token} }} }}", {}),
        (f"query ${token} {{ __typename }}", {}),
        (f'mutation {{ createApiKey(api_key: {{name: "a", permissions: ["{token}"]}}) {{ name }} }}', {}),
        (f'mutation {{ createApiKey(api_key: {{name: "a", permissions: [{token}]}}) {{ name }} }}', {}),
    ):
        answer = here.post({"query": query, "variables": variables})
        assert "errors" in told(answer), query
        texts.append(answer.text)
    texts.append(here.post({"query": UPDATE, "variables": {"name": "told_once", "api_key": {}}}).text)
    texts.append(here.post({"query": USER}, token).text)
    assert token not in "".join(texts)
    assert token not in here.keywright.process.errors()
    assert token not in here.keywright.http.get(f"{here.keywright.url}/metrics").text
