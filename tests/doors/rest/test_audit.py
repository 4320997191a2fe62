"""The audit trail over REST: lists, and exports as a stream that is read page by page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.audit import SYSTEM, AuditEntry, Change
from keywright.core.ids import new_id
from keywright.core.instants import SystemClock
from keywright.core.listing import MAX_PAGE
from tests.doors.rest.house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

MANY = 2 * MAX_PAGE + 1
BOOK = {"Keywright-Tenant": "book"}


@pytest.fixture(scope="module")
async def full(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An installation with a tenant `book`, whose trail fills three pages."""
    async with house(tmp_path_factory.mktemp("audit")) as found:
        made = await found.ask("POST", "/v1/tenants", json={"slug": "book"})
        now = SystemClock().now()
        async with found.app.database.write() as transaction:
            trail = transaction.audit(made.json()["id"])
            for number in range(MANY):
                entry = AuditEntry(
                    id=new_id("aud"),
                    at=now + timedelta(seconds=number),
                    tenant_id=made.json()["id"],
                    actor=SYSTEM,
                    action="test.even" if number % 2 == 0 else "test.odd",
                    target_type="test",
                    target_id=f"number {number}",
                    ip=None,
                    request_id=None,
                    changes={"name": Change(None, f"line\u2028{number}")},
                )
                await trail.add(entry)
        yield found


async def test_an_export_holds_what_the_list_holds(full: House) -> None:
    listed: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await full.ask("GET", f"/v1/audit?limit=150{cursor}", headers=BOOK)).json()
        listed += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    exported = await full.ask("GET", "/v1/audit/export", headers=BOOK)
    assert exported.headers["content-type"] == "application/x-ndjson"
    assert "content-length" not in exported.headers
    lines = exported.content.split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == listed
    assert len(listed) == MANY
    assert listed[0]["target"] == {"type": "test", "id": f"number {MANY - 1}"}
    assert listed[0]["actor"] == {"kind": "system", "identity": None, "key_id": None, "session_id": None}


async def test_an_export_takes_the_filters_of_the_list(full: House) -> None:
    answer = await full.ask("GET", "/v1/audit/export?action=test.even", headers=BOOK)
    found = [json.loads(line) for line in answer.content.splitlines()]
    assert len(found) == MAX_PAGE + 1
    assert {entry["action"] for entry in found} == {"test.even"}
    nothing = await full.ask("GET", "/v1/audit/export?action=nothing", headers=BOOK)
    assert (nothing.status_code, nothing.content) == (200, b"")


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("?limit=5", 422, "unknown_field", None),
        ("?cursor=x", 422, "unknown_field", None),
        ("?since=yesterday", 422, "invalid_value", "since"),
        ("?until=2030-01-01T00:00:00", 422, "invalid_value", "until"),
        ("?action=%C3%BC", 422, "invalid_value", "action"),
        ("?action=a&action=b", 422, "invalid_value", "action"),
    ],
)
async def test_what_is_wrong_is_told_before_anything_is_sent(
    full: House, query: str, status: int, code: str, field: str | None
) -> None:
    answer = await full.ask("GET", f"/v1/audit/export{query}", headers=BOOK)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (status, code, field)


async def test_nobody_exports_without_permission(full: House) -> None:
    assert (await full.ask("GET", "/v1/audit/export", token=None)).json()["code"] == "unauthenticated"
    less = await full.make(tenant="book", scope=[{"actions": ["keys:*"]}])
    answer = await full.ask("GET", "/v1/audit/export", token=less["token"])
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


async def export(full: House, token: str, between: Any) -> list[dict[str, Any]]:
    """All that the application sends for an export; `between` is awaited after its first part."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if sum(one["type"] == "http.response.body" for one in sent) == 1:
            await between()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/audit/export",
        "raw_path": b"/v1/audit/export",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", f"Bearer {token}".encode()), (b"host", b"keywright.test")],
        "client": ("192.0.2.1", 1),
        "server": ("keywright.test", 80),
    }
    await full.app(scope, receive, send)
    return sent


async def test_a_page_is_read_when_the_one_before_was_sent(full: House) -> None:
    """So no more than one page is held at a time, however long the trail is."""
    made = await full.make(tenant="book")

    async def nothing() -> None:
        pass

    start, *parts = await export(full, made["token"], nothing)
    assert start["status"] == 200
    assert [part["body"].count(b"\n") for part in parts[:2]] == [MAX_PAGE, MAX_PAGE]
    assert parts[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_a_failure_in_the_middle_ends_the_stream_visibly(full: House) -> None:
    made = await full.make(tenant="book")

    async def revoke() -> None:
        gone = await full.ask("DELETE", f"/v1/keys/{made['key']['id']}", headers=BOOK)
        assert gone.status_code == 200

    start, first, last = await export(full, made["token"], revoke)
    assert start["status"] == 200
    assert first["body"].count(b"\n") == MAX_PAGE
    problem = json.loads(last["body"])
    assert (problem["status"], problem["code"]) == (401, "unauthenticated")
    assert {(b"x-request-id", problem["request_id"].encode())} <= set(start["headers"])
    assert last["more_body"] is True, "an answer without an end is one that broke off"
