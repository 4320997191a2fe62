"""The calls that Skylark documents, as exactly that text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.dialects.skylark.speaker import Speaker

CREATE = """
mutation {
  createApiKey(
    api_key: {name: "my_key", permissions: [READ, WRITE], active: true, expires: "2090-01-01T00:00:00.000Z"}
  ) {
    api_key
    name
  }
}
"""
UPDATE = """
mutation {
  updateApiKey(name: "my_key", api_key: {active: false, permissions: [READ], expires: null}) {
    name
    active
  }
}
"""
LIST = """
query {
  listApiKeys {
    api_key
    name
    expires
    created
    active
  }
}
"""
DELETE = """
mutation {
  deleteApiKey(name: "my_key")
}
"""
CONNECTING = """
query INTROSPECTION {
  __type(name: "Metadata") {
    possibleTypes {
      name
    }
  }
}
"""
PERMISSIONS = """
query {
  __type(name: "SkylarkAPIPermission") {
    name
    enumValues {
      name
    }
  }
}
"""
# The types of the arguments and fields, by the names that clients write down.
TYPES = """
query {
  key: __type(name: "APIKey") { fields { name type { name ofType { name } } } }
  made: __type(name: "APIKeyInput") { inputFields { name type { kind name ofType { kind name } } } }
  changed: __type(name: "APIKeyInputUpdate") { inputFields { name type { kind name ofType { kind name } } } }
  user: __type(name: "userDetails") { fields { name } }
  account: __type(name: "AccountDetails") { fields { name } }
}
"""


def data(speaker: Speaker, text: str) -> Any:
    """The data of the answer to exactly this text, sent as the documents say: one URL, POST, JSON, the key raw."""
    sent = json.dumps({"query": text})
    answer = speaker.keywright.http.post(
        f"{speaker.keywright.url}/dialects/skylark/graphql",
        content=sent,
        headers={"Authorization": speaker.token, "Content-Type": "application/json"},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["access-control-allow-origin"] == "*"
    found = answer.json()
    assert "errors" not in found, found["errors"]
    return found["data"]


def test_the_four_operations(here: Speaker) -> None:
    made = data(here, CREATE)["createApiKey"]
    assert made["name"] == "my_key"
    assert here.keywright.verdict(made["api_key"], action="skylark:write") == "VALID"

    assert data(here, UPDATE) == {"updateApiKey": {"name": "my_key", "active": False}}
    assert here.keywright.verdict(made["api_key"]) == "DISABLED"

    (listed,) = [key for key in data(here, LIST)["listApiKeys"] if key["name"] == "my_key"]
    assert listed.pop("created").endswith("Z")
    assert listed == {"api_key": None, "name": "my_key", "expires": None, "active": False}

    assert data(here, DELETE) == {"deleteApiKey": "my_key"}
    assert here.keywright.verdict(made["api_key"]) == "NOT_FOUND"
    assert "my_key" not in [key["name"] for key in data(here, LIST)["listApiKeys"]]


def test_what_a_client_asks_when_it_connects(here: Speaker) -> None:
    assert data(here, CONNECTING) == {"__type": {"possibleTypes": []}}


def test_permissions_are_read_from_the_schema(here: Speaker) -> None:
    found = data(here, PERMISSIONS)["__type"]
    assert found["name"] == "SkylarkAPIPermission"
    assert [one["name"] for one in found["enumValues"]] == [
        "ACCOUNT_SETUP",
        "IGNORE_AVAILABILITY",
        "KEY_MANAGEMENT",
        "READ",
        "SELF_CONFIG",
        "TIME_TRAVEL",
        "WRITE",
    ]


def test_the_types_have_the_names_that_clients_write_down(here: Speaker) -> None:
    found = data(here, TYPES)
    assert {one["name"]: one["type"]["name"] for one in found["key"]["fields"]} == {
        "active": "Boolean",
        "api_key": "String",
        "created": "AWSDateTime",
        "expires": "AWSDateTime",
        "name": "String",
        "permissions": None,
    }
    nullable = {
        "active": {"kind": "SCALAR", "name": "Boolean", "ofType": None},
        "expires": {"kind": "SCALAR", "name": "AWSDateTime", "ofType": None},
    }
    text, listed = {"kind": "SCALAR", "name": "String"}, {"kind": "LIST", "name": None}
    permission = {"kind": "ENUM", "name": "SkylarkAPIPermission"}
    assert {one["name"]: one["type"] for one in found["made"]["inputFields"]} == {
        **nullable,
        "name": {"kind": "NON_NULL", "name": None, "ofType": text},
        "permissions": {"kind": "NON_NULL", "name": None, "ofType": listed},
    }
    assert {one["name"]: one["type"] for one in found["changed"]["inputFields"]} == {
        **nullable,
        "name": {**text, "ofType": None},
        "permissions": {**listed, "ofType": permission},
    }
    assert {one["name"] for one in found["user"]["fields"]} == {"account", "permissions", "role"}
    assert {one["name"] for one in found["account"]["fields"]} == {"account_id", "config", "skylark_version"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2090-05-04T10:20Z", "2090-05-04T10:20:00Z"),
        ("2090-05-04T10:20:30Z", "2090-05-04T10:20:30Z"),
        ("2090-05-04T10:20:30.250Z", "2090-05-04T10:20:30.250000Z"),
        ("2090-05-04T10:20:30.123456789Z", "2090-05-04T10:20:30.123456Z"),
        ("2090-05-04T10:20+02:00", "2090-05-04T08:20:00Z"),
        ("2090-05-04T10:20:30-05:30", "2090-05-04T15:50:30Z"),
    ],
)
def test_each_form_of_a_date_time(here: Speaker, written: str, meant: str) -> None:
    query = 'mutation { createApiKey(api_key: {name: "timed", permissions: [], expires: "%s"}) { expires } }'
    assert data(here, query % written) == {"createApiKey": {"expires": meant}}
    assert data(here, 'mutation { deleteApiKey(name: "timed") }') == {"deleteApiKey": "timed"}
