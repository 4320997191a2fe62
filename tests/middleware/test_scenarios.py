"""One list of scenarios for all frameworks, deciding in process and over HTTP, against a Keywright that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.middleware.apps import FRAMEWORKS, WAYS, App, Place, running_app, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

pytestmark = pytest.mark.xdist_group("middleware")
READS = {"actions": ["article:read"]}


@pytest.fixture(
    scope="module",
    params=[(framework, way) for framework in FRAMEWORKS for way in WAYS],
    ids=lambda param: f"{param[0]} {param[1]}".replace(" ", "-"),
)
def app(request: pytest.FixtureRequest, place: Place) -> Iterator[App]:
    with running_app(*request.param, place) as found:
        yield found


def a_key(app: App, *policies: dict[str, Any], **fields: Any) -> Any:
    """A key that does what the policies say and nothing else; its token is in `token`."""
    fields = {
        "name": "Reader",
        "memberships": [{"role": "admin"}],
        "scope": list(policies or (READS,)),
        **fields,
    }
    return app.place.keywright.key("default", **fields)


def told(response: httpx2.Response) -> str:
    """The code in the body of a refusal: each framework wraps it in its own way."""
    body = response.json()
    for inside in (body, body.get("detail"), body.get("extra")):
        if isinstance(inside, dict) and "code" in inside:
            return str(inside["code"])
    raise AssertionError(body)


def refused(response: httpx2.Response, status: int, code: str | None, error: str | None) -> None:
    """Check a refusal; without a code, the framework may say in words of its own that a key is missing."""
    assert response.status_code == status, response.text
    assert code is None or told(response) == code
    suffix = "" if error is None else f', error="{error}"'
    assert response.headers["www-authenticate"] == f'Bearer realm="keywright"{suffix}'


def test_a_valid_key_is_let_in_and_known(app: App) -> None:
    made = a_key(app)
    name = made["key"]["identity"]["name"]
    by_bearer = app.read(made["token"])
    by_header = app.get("/articles/43", {"X-Api-Key": made["token"]})
    assert (by_bearer.status_code, by_bearer.json()) == (
        200,
        {"article": "42", "for": name, "tenant": "default"},
    ), app.log()
    assert (by_header.status_code, by_header.json()["article"]) == (200, "43")


def test_no_key_is_asked_for_one(app: App) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"X-Api-Key": ""}):
        refused(app.get("/articles/42", headers), 401, None, None)
    assert app.get("/health").json() == {"status": "ok"}


def test_a_malformed_key_is_refused(app: App) -> None:
    for token in ("kw_nonsense", "x" * 5000):
        refused(app.read(token), 401, "NOT_FOUND", "invalid_token")
    token = a_key(app)["token"]
    both = {"Authorization": f"Bearer {token}", "X-Api-Key": token}
    for _ in range(3):  # it is known by then
        assert app.read(token).status_code == app.get("/articles/42", {"X-Api-Key": token}).status_code == 200
    elsewhere = {"X-Api-Key": f"Bearer {token}"}
    for headers in (
        both,
        elsewhere,
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {token} {token}"},
    ):
        refused(app.get("/articles/42", headers), 400, "malformed_request", "invalid_request")
    refused(app.get("/articles/42", {"Authorization": token}), 401, None, None)


def test_a_revoked_key_is_refused_at_once(app: App) -> None:
    made = a_key(app)
    for _ in range(3):
        assert app.read(made["token"]).status_code == 200
    gone = app.place.keywright.rest("DELETE", f"/v1/keys/{made['key']['id']}", tenant="default")
    refused(app.read(made["token"]), 401, "NOT_FOUND", "invalid_token")
    assert gone["receipt"]["complete"]
    nodes = app.place.keywright.rest("GET", "/v1/nodes")["items"]
    # Who decides in process is a node that the revocation waited for.
    assert any(node["kind"] == "embedded" for node in nodes) or app.way == "over HTTP"


def test_a_narrowed_key_reads_only_what_it_may(app: App) -> None:
    token = a_key(app, {"actions": ["article:read"], "resources": ["article:7"]})["token"]
    for _ in range(4):
        assert app.read(token, "7").status_code == 200
        refused(app.read(token, "8"), 403, "INSUFFICIENT_PERMISSIONS", "insufficient_scope")
    other = a_key(app, {"actions": ["article:write"]})["token"]
    refused(app.read(other), 403, "INSUFFICIENT_PERMISSIONS", "insufficient_scope")


@pytest.mark.parametrize("forged", ["cs:42", "*", "**", "a%20b"])
def test_what_stands_in_the_path_is_no_more_than_one_segment(app: App, forged: str) -> None:
    everything = a_key(app, {"actions": ["article:read"], "resources": ["article:**"]})["token"]
    refused(app.read(everything, forged), 403, "INSUFFICIENT_PERMISSIONS", "insufficient_scope")


def test_a_key_for_other_addresses_is_refused_whatever_the_request_says(app: App) -> None:
    here = a_key(app, allowed_cidrs=["127.0.0.0/8"])["token"]
    elsewhere = a_key(app, allowed_cidrs=["203.0.113.0/24"])["token"]
    for _ in range(3):
        assert app.read(here).status_code == 200
    headers = {"Authorization": f"Bearer {elsewhere}", "X-Forwarded-For": "203.0.113.9"}
    refused(app.get("/articles/42", headers), 403, "IP_NOT_ALLOWED", "insufficient_scope")


def test_a_key_that_was_used_too_often_is_told_when_to_come_again(app: App) -> None:
    limits = [{"name": "slow", "limit": 2, "window_seconds": 3600}]
    token = a_key(app, limits=limits)["token"]
    assert [app.read(token).status_code for _ in range(3)] == [200, 200, 429]
    response = app.read(token)
    assert told(response) == "RATE_LIMITED"
    assert 1 <= int(response.headers["retry-after"]) <= 1800
    assert response.headers["ratelimit-policy"] == '"key:slow";q=2;w=3600'
    assert response.headers["ratelimit"].startswith('"key:slow";r=0;t=')


def test_a_disabled_key_works_again_when_it_is_enabled(app: App) -> None:
    made = a_key(app)
    path = f"/v1/keys/{made['key']['id']}"
    app.place.keywright.rest("PATCH", path, {"active": False}, tenant="default")
    refused(app.read(made["token"]), 401, "DISABLED", "invalid_token")
    app.place.keywright.rest("PATCH", path, {"active": True}, tenant="default")
    assert app.read(made["token"]).status_code == 200


def test_what_cannot_be_checked_is_not_let_in(app: App) -> None:
    token = a_key(app)["token"]
    assert app.read(token).status_code == 200
    with app.cut_off():
        # In process it is served from memory until the lease runs out.
        until(lambda: app.read(token).status_code, 503)
        response = app.read(token)
        assert (response.status_code, told(response), response.headers["retry-after"]) == (503, "STALE", "1")
        assert app.get("/health").status_code == 200
    until(lambda: app.read(token).status_code, 200)


def test_no_key_stands_in_the_log(app: App) -> None:
    token = a_key(app)["token"]
    app.read(token)
    app.read(f"{token}x")
    assert token not in app.log()
    assert app.place.asker not in app.log()
