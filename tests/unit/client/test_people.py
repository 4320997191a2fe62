"""What the client sends for tenants, roles, memberships, service accounts and the audit trail, and how it streams."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from keywright.client import (
    ApiError,
    Client,
    ConnectionFailed,
    PermissionDenied,
    Unauthenticated,
    UnexpectedAnswer,
)
from tests.unit.client.scripted import TOKEN, Answer, problem, scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GONE = Answer(204, None)
RECEIPT = {"epoch": 1, "complete": True, "waited_ms": 0, "nodes": [], "effective_by": None}
REVOKED = Answer(200, {"receipt": RECEIPT})
ONE = Answer(body={"id": "x"})
FIRST = Answer(body={"items": [{"id": "a"}], "next_cursor": "c1"})
LAST = Answer(body={"items": [{"id": "b"}], "next_cursor": None})


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (
            lambda c: c.tenants.update("a", slug="b", active=False),
            "PATCH",
            "/v1/tenants/a",
            {"slug": "b", "active": False},
        ),
        (lambda c: c.roles.get("editor"), "GET", "/v1/roles/editor", None),
        (lambda c: c.roles.update("a.b", description=""), "PATCH", "/v1/roles/a%2Eb", {"description": ""}),
        (lambda c: c.memberships.get("mem_1"), "GET", "/v1/memberships/mem_1", None),
        (
            lambda c: c.memberships.update("mem_1", {"language": ["cs"]}),
            "PATCH",
            "/v1/memberships/mem_1",
            {"variables": {"language": ["cs"]}},
        ),
        (lambda c: c.service_accounts.get("idn_1"), "GET", "/v1/service-accounts/idn_1", None),
        (
            lambda c: c.service_accounts.update("idn_1", active=True),
            "PATCH",
            "/v1/service-accounts/idn_1",
            {"active": True},
        ),
    ],
)
def test_what_is_sent_for_one_thing(call: Callable[[Client], Any], method: str, path: str, body: Any) -> None:
    with scripted(ONE) as server, server.client() as client:
        assert call(client) == {"id": "x"}
    (sent,) = server.requests
    assert (sent.method, sent.path, sent.body) == (method, path, body)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda c: c.tenants.delete("a"), "/v1/tenants/a?force=false"),
        (lambda c: c.tenants.delete("a", force=True), "/v1/tenants/a?force=true"),
        (lambda c: c.tenants.delete("a", wait=False), "/v1/tenants/a?force=false&wait=false"),
        (lambda c: c.keys.delete("key_1"), "/v1/keys/key_1"),
        (lambda c: c.keys.delete("key_1", wait=False), "/v1/keys/key_1?wait=false"),
        (lambda c: c.users.delete("idn_1", wait=False), "/v1/users/idn_1?wait=false"),
        (lambda c: c.memberships.delete("mem_1"), "/v1/memberships/mem_1"),
        (lambda c: c.service_accounts.delete("idn_1"), "/v1/service-accounts/idn_1"),
    ],
)
def test_what_is_sent_for_a_deletion(call: Callable[[Client], Any], path: str) -> None:
    with scripted(REVOKED) as server, server.client() as client:
        assert call(client) == RECEIPT
    (sent,) = server.requests
    assert (sent.method, sent.path) == ("DELETE", path)


def test_a_role_that_nobody_holds_is_deleted_without_a_receipt() -> None:
    with scripted(GONE) as server, server.client() as client:
        client.roles.delete("editor")
    (sent,) = server.requests
    assert (sent.method, sent.path) == ("DELETE", "/v1/roles/editor")


def test_a_deletion_without_a_receipt_is_none_of_ours() -> None:
    with scripted(GONE) as server, server.client() as client, pytest.raises(UnexpectedAnswer):
        client.keys.delete("key_1")


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        (lambda c: c.keys.update("key_1", wait=False, active=False), "PATCH", "/v1/keys/key_1"),
        (lambda c: c.tenants.create("a", wait=False), "POST", "/v1/tenants"),
        (lambda c: c.tenants.update("a", wait=False, active=False), "PATCH", "/v1/tenants/a"),
        (lambda c: c.users.update("idn_1", wait=False, active=False), "PATCH", "/v1/users/idn_1"),
        (lambda c: c.roles.update("a", wait=False, policies=[]), "PATCH", "/v1/roles/a"),
        (lambda c: c.memberships.create("idn_1", "a", wait=False), "POST", "/v1/memberships"),
        (lambda c: c.memberships.update("mem_1", {}, wait=False), "PATCH", "/v1/memberships/mem_1"),
        (lambda c: c.memberships.delete("mem_1", wait=False), "DELETE", "/v1/memberships/mem_1"),
        (lambda c: c.users.remove("idn_1", wait=False), "POST", "/v1/users/idn_1/remove"),
        (
            lambda c: c.service_accounts.update("idn_1", wait=False, active=False),
            "PATCH",
            "/v1/service-accounts/idn_1",
        ),
        (
            lambda c: c.service_accounts.delete("idn_1", wait=False),
            "DELETE",
            "/v1/service-accounts/idn_1",
        ),
        (
            lambda c: c.keys.transfer("key_1", "idn_1", confirm=True, wait=False),
            "POST",
            "/v1/keys/key_1/transfer",
        ),
        (lambda c: c.catalog.apply({}, wait=False), "PUT", "/v1/catalog"),
    ],
)
def test_a_change_need_not_be_waited_for(call: Callable[[Client], Any], method: str, path: str) -> None:
    answer = Answer(200, {"receipt": RECEIPT, "confirmed": True, "catalog": {}})
    with scripted(answer) as server, server.client() as client:
        call(client)
    (sent,) = server.requests
    assert (sent.method, sent.path) == (method, f"{path}?wait=false")
    assert "wait" not in (sent.body or {})


def test_a_tenant_is_changed_whichever_tenant_the_calls_are_for() -> None:
    with scripted(ONE, REVOKED, ONE) as server, server.client(tenant="another") as client:
        client.tenants.update("a", name="A")
        client.tenants.delete("a")
        client.tenants.get("a")
    assert ["keywright-tenant" in sent.headers for sent in server.requests] == [False, False, True]
    assert {sent.headers["authorization"] for sent in server.requests} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            lambda c: c.roles.create("a", policies=[{"actions": ["b"]}]),
            "/v1/roles",
            {"name": "a", "policies": [{"actions": ["b"]}]},
        ),
        (
            lambda c: c.memberships.create("idn_1", "a"),
            "/v1/memberships",
            {"identity_id": "idn_1", "role": "a", "variables": {}},
        ),
        (
            lambda c: c.service_accounts.create("a", memberships=[{"role": "b"}]),
            "/v1/service-accounts",
            {"name": "a", "memberships": [{"role": "b"}]},
        ),
    ],
)
def test_creations_are_sent_again_under_one_key(
    call: Callable[[Client], Any], path: str, body: dict[str, Any]
) -> None:
    with scripted(Answer(hang_up=True), Answer(201, {"id": "x"})) as server, server.client() as client:
        assert call(client) == {"id": "x"}
    first, second = server.requests
    assert (first.method, first.path, first.body) == ("POST", path, body)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda c: c.memberships.list(role="a"), "/v1/memberships?role=a"),
        (lambda c: c.service_accounts.list(limit=1), "/v1/service-accounts?limit=1"),
        (lambda c: c.service_accounts.list(search="a b"), "/v1/service-accounts?search=a+b"),
        (lambda c: c.users.list(search="a b"), "/v1/users?search=a+b"),
        (lambda c: c.tenants.list(limit=1), "/v1/tenants?limit=1"),
        (lambda c: c.audit.list(action="key.*"), "/v1/audit?action=key.%2A"),
    ],
)
def test_lists_are_gone_through(call: Callable[[Client], Any], path: str) -> None:
    with scripted(FIRST, LAST) as server, server.client() as client:
        assert list(call(client)) == [{"id": "a"}, {"id": "b"}]
    assert [sent.path for sent in server.requests] == [path, f"{path}&cursor=c1"]


def test_roles_come_in_one_page() -> None:
    with scripted(LAST) as server, server.client() as client:
        assert client.roles.page().items == ({"id": "b"},)
        assert list(client.roles.list()) == [{"id": "b"}]
        assert client.audit.page(since=datetime(2030, 1, 2, tzinfo=UTC)).items == ({"id": "b"},)
        assert client.service_accounts.page(limit=3).next_cursor is None
    assert server.requests[2].path == "/v1/audit?since=2030-01-02T00%3A00%3A00Z"


def test_nodes_come_in_one_page() -> None:
    with scripted(LAST) as server, server.client() as client:
        assert client.nodes.page().items == ({"id": "b"},)
        assert list(client.nodes.list()) == [{"id": "b"}]
    assert {sent.path for sent in server.requests} == {"/v1/nodes"}


def test_what_an_error_says_beside_its_code() -> None:
    policy = {"actions": ["a"], "resources": ["b"]}
    with (
        scripted(problem(403, "beyond_own_rights", policy=policy, field="policies")) as server,
        server.client() as client,
        pytest.raises(PermissionDenied) as caught,
    ):
        client.roles.create("a")
    assert (caught.value.extras, caught.value.field) == ({"policy": policy}, "policies")


ENTRIES = [{"id": "aud_1", "changes": {"name": {"before": None, "after": "a\u2028b\x85"}}}, {"id": "aud_2"}]
LINES = "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in ENTRIES)


def test_an_export_is_read_line_by_line() -> None:
    with scripted(Answer(body=LINES)) as server, server.client(tenant="*") as client:
        assert list(client.audit.export(since=datetime(2030, 1, 2, tzinfo=UTC), actor=None)) == ENTRIES
    (sent,) = server.requests
    assert sent.path == "/v1/audit/export?since=2030-01-02T00%3A00%3A00Z"
    assert sent.headers["keywright-tenant"] == "*"


def test_an_export_is_asked_for_again_until_it_begins() -> None:
    answers = [Answer(hang_up=True), problem(503, "unavailable"), Answer(body=LINES)]
    with scripted(*answers) as server, server.client() as client:
        assert list(client.audit.export()) == ENTRIES
    assert len(server.requests) == 3


def test_an_export_that_is_refused_raises() -> None:
    with (
        scripted(problem(403, "permission_denied")) as server,
        server.client() as client,
        pytest.raises(PermissionDenied),
    ):
        list(client.audit.export())


def test_an_export_that_ends_with_a_problem_raises_it() -> None:
    told = {"code": "unauthenticated", "status": 401, "detail": "No.", "request_id": "r"}
    with scripted(Answer(body=f"{LINES}{json.dumps(told)}\n")) as server, server.client() as client:
        export = client.audit.export()
        assert [next(export), next(export)] == ENTRIES
        with pytest.raises(Unauthenticated) as caught:
            next(export)
    assert isinstance(caught.value, ApiError)
    assert (caught.value.code, caught.value.request_id) == ("unauthenticated", "r")


@pytest.mark.parametrize("line", ["[1]", "nothing", '{"id": "aud_3'])
def test_a_line_that_is_no_object_raises(line: str) -> None:
    with scripted(Answer(body=f"{LINES}{line}")) as server, server.client() as client:
        export = client.audit.export()
        assert [next(export), next(export)] == ENTRIES
        with pytest.raises(UnexpectedAnswer):
            next(export)


@contextmanager
def breaking(after: bytes, *, wait: bool = False) -> Iterator[str]:
    """A server that sends a part of an answer and breaks off, or with `wait` sends no more."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
                connection.sendall(head + b"%x\r\n%s\r\n" % (len(after), after))
                if wait:
                    done.wait(30)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize("wait", [False, True])
def test_an_export_that_breaks_off_raises(wait: bool) -> None:
    with breaking(LINES.encode(), wait=wait) as url, Client(url, TOKEN, timeout=0.5) as client:
        export = client.audit.export()
        assert [next(export), next(export)] == ENTRIES
        with pytest.raises(ConnectionFailed):
            next(export)
