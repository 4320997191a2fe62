"""The calls of Cycloid's clients, byte by byte, and what goes wrong on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.cycloid.client import ADMIN_RULE, Cycloid, Raw, raw
from tests.dialects.cycloid.models import checked, refused
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

JSON, VENDOR = "application/json", "application/vnd.cycloid.io.v1+json"


@pytest.fixture(scope="module")
def admin(keywright: Keywright) -> Cycloid:
    keywright.tenant("my-org")
    keywright.person("cycloid-user", "my-org")
    return Cycloid(keywright, "my-org", keywright.key("my-org", "admin")["token"])


def send(admin: Cycloid, line: str, body: Any = None, media_type: str = JSON, *, more: str = "") -> Raw:
    """One request of the Go client: its request line below the mount, and its headers."""
    method, path = line.split(" ", 1)
    text = "" if body is None else json.dumps(body, separators=(",", ":"))
    head = [
        f"{method} /dialects/cycloid{path} HTTP/1.1",
        "Host: localhost",
        "User-Agent: cycloid-cli/6",
        "Accept: application/json, application/vnd.cycloid.io.v1+json",
        f"Authorization: Bearer {admin.token}",
        "Accept-Encoding: gzip",
    ]
    if body is not None:
        head += [f"Content-Length: {len(text)}", f"Content-Type: {media_type}"]
    return raw(admin.keywright, "\n".join([*head, *more.splitlines()]) + "\n\n" + text)


def test_the_life_of_a_key(admin: Cycloid) -> None:
    body = {
        "canonical": "ci-pipeline",
        "description": "Reads what the pipelines need",
        "name": "CI pipeline",
        "owner": "cycloid-user",
        "rules": [
            {
                "action": "organization:credential:read",
                "effect": "allow",
                "resources": [
                    "organization:my-org:credential:cy-*",
                    "organization:my-org:credential:*-staging",
                ],
            },
            {"action": "organization:project:**", "effect": "allow", "resources": None},
            {"action": "organization:team:read", "effect": "allow", "resources": []},
        ],
    }
    made = checked("APIKey", send(admin, "POST /organizations/my-org/api_keys", body))
    token = made.pop("token")
    assert made["last_seven"] == token[-7:]
    assert made["owner"]["username"] == "cycloid-user"
    assert [(one["id"], one["action"], one["resources"]) for one in made["rules"]] == [
        (0, "organization:credential:read", body["rules"][0]["resources"]),
        (1, "organization:project:**", []),
        (2, "organization:team:read", []),
    ]
    assert "last_used" not in made
    assert checked("APIKey", send(admin, "GET /organizations/my-org/api_keys/ci-pipeline")) == made
    listed = send(admin, "GET /organizations/my-org/api_keys")
    assert made in checked("[APIKey]", listed)
    assert listed.json()["pagination"]["index"] == 1
    update = {"description": "For the new CI", "name": "CI", "owner": "cycloid-user"}
    refused(send(admin, "PUT /organizations/my-org/api_keys/ci-pipeline", update), 422, "Invalid")
    update["name"] = "CI 2"
    changed = checked("APIKey", send(admin, "PUT /organizations/my-org/api_keys/ci-pipeline", update))
    assert changed == made | {"name": "CI 2", "description": "For the new CI"}
    gone = send(admin, "DELETE /organizations/my-org/api_keys/ci-pipeline")
    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-length" not in gone.headers
    assert "content-type" not in gone.headers
    refused(send(admin, "GET /organizations/my-org/api_keys/ci-pipeline"), 404, "NotFoundEntity")
    refused(send(admin, "DELETE /organizations/my-org/api_keys/ci-pipeline"), 404, "NotFoundEntity")
    assert admin.keywright.verdict(token) == "NOT_FOUND"


def test_filters_come_with_brackets_and_signs_as_they_are(admin: Cycloid) -> None:
    admin.make("Filtered by signs", canonical="filtered-1")
    for query in (
        "user_canonical[ne]=cycloid-user&canonical[rlike]=^filtered-[0-9]{1}$",
        "user_canonical%5Bne%5D=cycloid-user&canonical%5Brlike%5D=%5Efiltered-%5B0-9%5D%7B1%7D%24",
        "organization_canonical[eq]=my-org&name[rlike]=^(filtered|other)%20by\\s+sig(n|x)s?$",
    ):
        answer = send(admin, f"GET /organizations/my-org/api_keys?{query}")
        assert [one["canonical"] for one in checked("[APIKey]", answer)] == ["filtered-1"], query


def test_users_log_in_and_ask_who_they_are(admin: Cycloid) -> None:
    body = {"email": "cycloid-user@example.com", "password": PASSWORD, "organization_canonical": "my-org"}
    session = checked("UserSession", send(admin, "POST /user/login", body, VENDOR))
    assert session["owns"] == ["my-org"]
    assert list(session["permissions"]) == ["**"]
    user = admin.other(session["token"])
    query = "organization_canonical=my-org&child_canonical="
    refreshed = checked("UserSession", send(user, f"GET /user/refresh_token?{query}"))
    assert refreshed["permissions"] == session["permissions"]
    assert checked("UserAccount", send(user, "GET /user"))["username"] == "cycloid-user"
    assert checked("[Organization]", send(user, "GET /organizations"))[0]["canonical"] == "my-org"
    assert checked("Organization", send(user, "GET /organizations/my-org"))["ci_team_name"] == "my-org"


def test_what_rules_may_say(admin: Cycloid) -> None:
    codes = {one["code"] for one in checked("[Policy]", send(admin, "GET /organizations/my-org/policies"))}
    assert {"keys:create", "tenants:read"} <= codes
    roles = checked("[Role]", send(admin, "GET /organizations/my-org/roles"))
    assert next((one["canonical"], one["default"]) for one in roles) == ("admin", True)
    body = {"action": "organization:team:read", "entity_canonicals": ["ops"]}
    assert checked("CanDo", send(admin, "POST /organizations/my-org/can_do", body)) == {"ok": True}


@pytest.mark.parametrize(
    "path", ["/user", "/user/refresh_token?organization_canonical=my-org", "/organizations"]
)
def test_api_keys_are_refused_where_users_alone_may_call(admin: Cycloid, path: str) -> None:
    answer = send(admin, f"GET {path}")
    refused(answer, 422, "Invalid")
    assert answer.json()["errors"] == [
        {"code": "Invalid", "message": "This endpoint cannot be used with API Key"}
    ]


# Transport


@pytest.mark.parametrize(
    "media_type", [JSON, VENDOR, "Application/JSON; charset=utf-8", f"{VENDOR};charset=UTF-8"]
)
def test_media_types(admin: Cycloid, media_type: str) -> None:
    body = {"action": "organization:read", "entity_canonicals": []}
    assert checked("CanDo", send(admin, "POST /organizations/my-org/can_do", body, media_type))["ok"]


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain", "application/xml"])
def test_other_media_types(admin: Cycloid, media_type: str) -> None:
    refused(send(admin, "POST /organizations/my-org/can_do", {}, media_type), 415, "Invalid")


def test_a_body_without_its_length(admin: Cycloid) -> None:
    chunks = "Transfer-Encoding: chunked\nContent-Type: application/json\n"
    for line in ("POST /organizations/my-org/api_keys", "PUT /organizations/my-org/api_keys/x-y-z"):
        method, path = line.split()
        answer = raw(
            admin.keywright,
            f"{method} /dialects/cycloid{path} HTTP/1.1\nHost: x\nAuthorization: Bearer {admin.token}\n{chunks}"
            "\n2\r\n{}\r\n0\r\n\r\n",
        )
        assert (answer.status_code, answer.content) == (411, b"")


def test_no_body_at_all(admin: Cycloid) -> None:
    details = refused(send(admin, "POST /organizations/my-org/api_keys"), 422, "Invalid")
    assert details == ["body in body is required"]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /", 404),
        ("GET ", 404),
        ("GET /organizations/", 404),
        ("GET /organizations/my-org/api_keys/", 404),
        ("GET /organizations/my-org/projects", 404),
        ("POST /organizations/my-org/api_keys/a/b", 404),
        ("PATCH /user", 405),
        ("HEAD /organizations", 405),
        ("DELETE /organizations/my-org/api_keys", 405),
    ],
)
def test_paths_and_methods_that_are_none(admin: Cycloid, line: str, status: int) -> None:
    answer = send(admin, line)
    if line.startswith("HEAD"):
        assert answer.status_code == status
    else:
        refused(answer, status, "NotFoundEntity" if status == 404 else "Invalid")
    assert ("allow" in answer.headers) is (status == 405)


def test_pages_from_elsewhere_may_call(admin: Cycloid) -> None:
    ask = "Origin: https://console.example.com\nAccess-Control-Request-Headers: authorization,content-type"
    answer = send(admin, "OPTIONS /organizations/my-org/api_keys", more=ask)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, OPTIONS, POST"
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
    for line in ("GET /organizations/my-org/api_keys", "GET /organizations/nowhere/api_keys"):
        assert send(admin, line).headers["access-control-allow-origin"] == "*"


def test_what_is_refused_before_the_door_is_refused_in_its_form(admin: Cycloid) -> None:
    path = "/organizations/my-org/api_keys"
    body = json.dumps({"name": "x" * 1_100_000, "rules": [ADMIN_RULE]})
    headers = {"Content-Type": JSON, "Authorization": f"Bearer {admin.token}"}
    url = f"{admin.keywright.at('cycloid')}{path}"
    refused(admin.keywright.http.post(url, content=body, headers=headers), 413, "Invalid")
    encoded = headers | {"Content-Encoding": "gzip"}
    refused(admin.keywright.http.post(url, content="{}", headers=encoded), 422, "Invalid")


# Credentials


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Authorization: Bearer",
        "Authorization: Bearer ",
        "Authorization: Basic YWRtaW46YWRtaW4=",
        "Authorization: Bearer kw_unknown",
        "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjeWNsb2lkIn0.c2lnbmF0dXJl",
        "Authorization: Bearer kws_unknown",
        "X-Api-Key: {token}",
    ],
)
def test_no_credential_and_none_that_is_accepted(admin: Cycloid, header: str) -> None:
    line = header.format(token=admin.token)
    for path in ("/organizations/my-org/api_keys", "/user"):
        answer = raw(
            admin.keywright,
            f"GET /dialects/cycloid{path} HTTP/1.1\nHost: x" + (f"\n{line}" if line else "") + "\n\n",
        )
        refused(answer, 401, "Unauthenticated")


def test_a_credential_that_is_there_twice(admin: Cycloid) -> None:
    answer = send(admin, "GET /organizations/my-org/api_keys", more=f"Authorization: Bearer {admin.token}")
    refused(answer, 422, "Invalid")


def test_credentials_that_were_stopped(admin: Cycloid) -> None:
    keywright = admin.keywright
    for change in ({"active": False}, {"not_before": "2999-01-01T00:00:00Z"}):
        made = keywright.key("my-org", "admin")
        key_id = made["key"]["id"]
        keywright.rest("PATCH", f"/v1/keys/{key_id}", change, tenant="my-org")
        refused(admin.other(made["token"]).ask("GET", "./api_keys"), 401, "Unauthenticated")
    session = keywright.session("cycloid-user")
    keywright.rest("DELETE", "/v1/sessions/current", token=session)
    refused(admin.other(session).ask("GET", "/user"), 401, "Unauthenticated")
