"""The documented calls, sent as this very text, from a key's creation to its end."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from tests.dialects.contember.asking import Tenant

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CREATE_API_KEY = """mutation {
  createApiKey(
    projectSlug: "my-blog",
    description: "Editor of the Czech pages",
    memberships: [{role: "editor", variables: [{name: "language", values: ["cs"]}]}],
    tokenHash: null
  ) {
    ok
    error { code }
    result { apiKey { id token identity { id } } }
  }
}"""
CREATE_GLOBAL_API_KEY = """mutation {
  createGlobalApiKey(description: "CI", roles: ["project_creator"]) {
    ok
    error { code }
    result { apiKey { id token identity { id } } }
  }
}"""
ADD_ROLES = (
    'mutation {{ addGlobalIdentityRoles(identityId: "{identity}", roles: ["login"]) '
    "{{ ok error {{ code developerMessage }} result {{ identity {{ id roles }} }} }} }}"
)
REMOVE_ROLES = ADD_ROLES.replace("addGlobal", "removeGlobal")
DISABLE = 'mutation {{ disableApiKey(id: "{key}") {{ ok }} }}'
CREATE_BY_HASH = """mutation($hash: String) {
  createApiKey(projectSlug: "my-blog", description: "", memberships: [], tokenHash: $hash) {
    ok
    error { code }
    result { apiKey { id token identity { id } } }
  }
}"""


def posted(root: Tenant, text: str, variables: str = "{}") -> Any:
    """The data of a request with this body, letter by letter."""
    body = f'{{"query":{json.dumps(text)},"variables":{variables}}}'
    headers = {"Authorization": f"Bearer {root.token}", "Content-Type": "application/json"}
    answer = root.keywright.http.post(root.url, content=body.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["data"], answer.text
    return next(iter(answer.json()["data"].values()))


def test_a_key_of_a_project(keywright: Keywright, root: Tenant, blog: str) -> None:
    made = posted(root, CREATE_API_KEY)
    assert list(made) == ["ok", "error", "result"]
    assert (made["ok"], made["error"]) == (True, None)
    key = made["result"]["apiKey"]
    assert list(key) == ["id", "token", "identity"]
    assert UUID.fullmatch(key["id"])
    assert UUID.fullmatch(key["identity"]["id"])
    assert re.fullmatch(r"\w{40}", key["token"])
    assert Tenant(keywright, key["token"]).me()["id"] == key["identity"]["id"]
    for resource, verdict in (("article:cs:1", "VALID"), ("article:en:1", "INSUFFICIENT_PERMISSIONS")):
        assert keywright.verdict(key["token"], action="article:read", resource=resource) == verdict
    assert posted(root, DISABLE.format(key=key["id"])) == {"ok": True}
    refused = Tenant(keywright, key["token"]).send("{ me { id } }")
    assert refused.status_code == 401
    assert re.fullmatch(
        r'\{"errors":\[\{"code":401,"message":"Authorization failure: API key was disabled at '
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}\]\}',
        refused.text,
    )
    assert keywright.verdict(key["token"]) == "DISABLED"


def test_a_global_key_and_its_roles(keywright: Keywright, root: Tenant) -> None:
    key = posted(root, CREATE_GLOBAL_API_KEY)["result"]["apiKey"]
    identity = key["identity"]["id"]
    held = posted(root, ADD_ROLES.format(identity=identity))
    assert held == {
        "ok": True,
        "error": None,
        "result": {"identity": {"id": identity, "roles": ["login", "project_creator"]}},
    }
    left = posted(root, REMOVE_ROLES.format(identity=identity))
    assert left["result"] == {"identity": {"id": identity, "roles": ["project_creator"]}}
    assert Tenant(keywright, key["token"]).me()["roles"] == ["project_creator"]
    assert posted(root, DISABLE.format(key=key["id"])) == {"ok": True}
    assert Tenant(keywright, key["token"]).send("{ me { id } }").status_code == 401


def test_a_key_whose_token_was_made_elsewhere(keywright: Keywright, root: Tenant, blog: str) -> None:
    token = hashlib.sha256(b"a token of nobody else").hexdigest()[:40]
    hashed = hashlib.sha256(token.encode()).hexdigest()
    key = posted(root, CREATE_BY_HASH, json.dumps({"hash": hashed}))["result"]["apiKey"]
    assert key["token"] is None
    assert Tenant(keywright, token).me()["id"] == key["identity"]["id"]
