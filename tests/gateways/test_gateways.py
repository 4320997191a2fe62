"""`/v1/authorize` behind real gateways, with the configurations of `examples/gateways`."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.rest.house import ROOT
from tests.support.gateways import TESTED, NoGateway
from tests.support.gateways import gateway as run
from tests.support.nginx import VARIABLE, nginx_binary
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("gateways")

KEYWRIGHT = Path(sys.executable).with_name("keywright")
READER = [{"role": "reader", "variables": {"lang": ["cs"]}}]
WRITER = [{"role": "writer"}]
CATALOG = {
    "roles": {
        "reader": {
            "variables": {"lang": {}},
            "policies": [{"actions": ["article:read"], "resources": ["article:${lang}:**"]}],
        },
        "writer": {"policies": [{"actions": ["article:**"]}]},
    },
    "routes": [
        {"match": "GET /articles/{lang}/{id}", "action": "article:read", "resource": "article:{lang}:{id}"},
        {"match": "PUT /articles/{lang}/{id}", "action": "article:write", "resource": "article:{lang}:{id}"},
    ],
}


class Articles(BaseHTTPRequestHandler):
    """The service behind the gateway: it tells what came to it."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = {
            "method": self.command,
            "path": self.path,
            "headers": self.headers.items(),
            "length": len(body),
        }
        text = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = answer  # noqa: N815 - the names are those of http.server

    def log_message(self, *_parts: object) -> None:
        """Write nothing."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway by its name, and where it and its Keywright listen."""

    name: str
    front: int
    keywright: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.front, timeout=30)

    def make(self, **fields: Any) -> Any:
        return self.manage("POST", "/v1/keys", {"name": "A key", "tenant": "my-blog", **fields})

    def manage(self, method: str, path: str, body: Any = None, tenant: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {ROOT}"}
        if tenant is not None:
            headers["Keywright-Tenant"] = tenant
        connection = http.client.HTTPConnection("127.0.0.1", self.keywright, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, text
        return json.loads(text) if text else None


@contextmanager
def articles() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Articles) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def keywright(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Keywright with two tenants."""
    port = free_port()
    env = {
        "KEYWRIGHT_DATA": str(tmp_path_factory.mktemp("gateways")),
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_TRUSTED_PROXIES": "127.0.0.1",
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT.encode()).hexdigest(),
    }
    with running([KEYWRIGHT, "serve"], env=env, ready_url=f"http://127.0.0.1:{port}/readyz"):
        found = Gateway("none", 0, port)
        found.manage("POST", "/v1/tenants", {"slug": "my-blog"})
        found.manage("POST", "/v1/tenants", {"slug": "other"})
        found.manage("PUT", "/v1/catalog", {"document": CATALOG}, tenant="my-blog")
        yield port


@pytest.fixture(scope="module", params=TESTED)
def gateway(request: pytest.FixtureRequest, keywright: int) -> Iterator[Gateway]:
    front = free_port()
    with articles() as behind:
        try:
            with run(request.param, keywright=keywright, service=behind, front=front):
                yield Gateway(request.param, front, keywright)
        except NoGateway as error:
            pytest.skip(str(error))


@pytest.fixture
def connection(gateway: Gateway) -> Iterator[http.client.HTTPConnection]:
    found = gateway.connect()
    yield found
    found.close()


def ask(
    connection: http.client.HTTPConnection,
    token: str | None,
    method: str = "GET",
    path: str = "/articles/cs/1",
    body: str | None = None,
    **headers: str,
) -> tuple[int, dict[str, str], Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    # Whoever refuses may say so and hang up before it has read a whole body (RFC 9112, section 9.5).
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, path, body, sent)
    answer = connection.getresponse()
    text = answer.read()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, found, json.loads(text) if answer.status == 200 else text


def passed(told: Any, name: str) -> list[str]:
    """The values of a header as the service got it."""
    return [value for found, value in told["headers"] if found.lower() == name]


def test_what_is_allowed_comes_through_and_says_who_it_is(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    made = gateway.make(name="Noční", memberships=READER)
    status, _, told = ask(connection, made["token"], path="/articles/cs/%C3%A9?page=2")
    assert status == 200
    assert (told["method"], told["path"]) == ("GET", "/articles/cs/%C3%A9?page=2")
    found = {
        name.lower(): value for name, value in told["headers"] if name.lower().startswith("x-keywright-")
    }
    assert found == {
        "x-keywright-code": "VALID",
        "x-keywright-key-id": made["key"]["id"],
        "x-keywright-key-name": "No%C4%8Dn%C3%AD",
        "x-keywright-identity-id": made["key"]["identity"]["id"],
        "x-keywright-identity-kind": "key",
        "x-keywright-identity-name": "No%C4%8Dn%C3%AD",
        "x-keywright-tenant": "my-blog",
        "x-keywright-roles": "reader",
        "x-keywright-action": "article:read",
        "x-keywright-resource": "article:cs:%C3%A9",
    }
    assert passed(told, "authorization") == passed(told, "x-api-key") == []
    assert ask(connection, None, x_api_key=made["token"])[0] == 200


def test_what_is_not_allowed_does_not(gateway: Gateway, connection: http.client.HTTPConnection) -> None:
    token = gateway.make(memberships=READER)["token"]
    status, headers, _ = ask(connection, None)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="keywright"')
    status, headers, _ = ask(connection, "unknown-token-of-nobody")
    assert (status, "invalid_token" in headers["www-authenticate"]) == (401, True)
    for method, path in (
        ("PUT", "/articles/cs/1"),
        ("GET", "/articles/en/1"),
        ("GET", "/articles/cs/1/"),
        ("GET", "/articles/en%2f..%2fcs/1"),
        ("GET", "/articles/cs/%2e%2e"),
        ("GET", "/elsewhere"),
        ("GET", "/"),
    ):
        # 400 is Traefik's own, for what is encoded in an unusual way.
        status = ask(connection, token, method, path, body="{}" if method == "PUT" else None)[0]
        assert status in ((400, 403) if gateway.name == "traefik" else (403,)), path
    for path in ("/articles/cs/x/../1", "/articles/cs//1", "/articles/en/../cs/1"):
        status, _, told = ask(connection, token, path=path)
        # Or it was put right before anybody was asked, and the service gets it as Keywright did.
        assert status in (301, 403) or told["path"] == "/articles/cs/1", path
    elsewhere = gateway.make(tenant="other", memberships=[])
    assert ask(connection, elsewhere["token"])[0] == 403
    assert ask(connection, token)[0] == 200


def test_what_a_client_writes_itself_counts_for_nothing(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    made = gateway.make(memberships=READER)
    forged = {
        "X_Keywright_Key_Id": "key_forged",
        "X_Keywright_Roles": "super_admin",
        "X_Keywright_Tenant": "forged",
        "x_keywright_resource": "forged",
        "X_Http_Method_Override": "PUT",
    }
    status, _, told = ask(connection, made["token"], **forged)
    assert status == 200
    assert "forged" not in json.dumps(told)
    assert passed(told, "x-keywright-key-id") == [made["key"]["id"]]
    assert passed(told, "x-keywright-roles") == ["reader"]
    assert passed(told, "x-http-method-override") == []
    readable = {
        "X_Original_URI": "/articles/cs/1",
        "X_Original_Method": "GET",
        "X_Forwarded_Uri": "/articles/cs/1",
        "X_Forwarded_Method": "GET",
        "X_Forwarded_Host": "elsewhere",
        "Keywright_Tenant": "other",
    }
    assert ask(connection, made["token"], path="/articles/en/1", **readable)[0] == 403
    assert ask(connection, made["token"], "PUT", body="{}", **readable)[0] == 403
    # Nor do they keep anybody from what is allowed.
    unreadable = dict.fromkeys(readable, "/articles/en/1")
    assert ask(connection, made["token"], **unreadable)[0] == 200
    # The path of the sub-request is nginx's own, whoever asks for it.
    assert ask(connection, made["token"], path="/_keywright")[0] in (403, 404)


def test_the_address_is_the_one_that_the_gateway_sees(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    near = gateway.make(memberships=READER, allowed_cidrs=["127.0.0.0/8"])["token"]
    far = gateway.make(memberships=READER, allowed_cidrs=["203.0.113.0/24"])["token"]
    assert ask(connection, near, X_Forwarded_For="203.0.113.9")[0] == 200
    assert ask(connection, far, X_Forwarded_For="203.0.113.9")[0] == 403


def test_what_is_revoked_is_refused_at_once_on_a_connection_that_stays(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    made = gateway.make(memberships=READER)
    for _ in range(3):
        assert ask(connection, made["token"])[0] == 200
    local = connection.sock.getsockname()
    gateway.manage("DELETE", f"/v1/keys/{made['key']['id']}", tenant="my-blog")
    for _ in range(3):
        assert ask(connection, made["token"])[0] == 401
    assert connection.sock.getsockname() == local


def test_a_route_that_is_taken_away_is_refused_at_once(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    token = gateway.make(memberships=READER)["token"]
    assert ask(connection, token)[0] == 200
    without = {**CATALOG, "routes": CATALOG["routes"][1:]}  # type: ignore[index]
    gateway.manage("PUT", "/v1/catalog", {"document": without}, tenant="my-blog")
    assert ask(connection, token)[0] == 403
    gateway.manage("PUT", "/v1/catalog", {"document": CATALOG}, tenant="my-blog")
    assert ask(connection, token)[0] == 200


def test_a_limit_that_is_used_up_is_told(gateway: Gateway, connection: http.client.HTTPConnection) -> None:
    """nginx passes 401 and 403 on alone."""
    limits = [{"name": "hour", "limit": 2, "window_seconds": 3600}]
    token = gateway.make(memberships=READER, limits=limits)["token"]
    told = 403 if gateway.name == "nginx" else 429
    assert [ask(connection, token)[0] for _ in range(4)] == [200, 200, told, told]
    if told == 429:
        assert int(ask(connection, token)[1]["retry-after"]) > 0


def test_a_body_is_passed_on_whole(gateway: Gateway, connection: http.client.HTTPConnection) -> None:
    token = gateway.make(memberships=WRITER)["token"]
    body = "x" * (512 * 1024)
    status, _, told = ask(connection, token, "PUT", body=body, Content_Encoding="gzip")
    assert (status, told["method"], told["length"]) == (200, "PUT", len(body))


def test_a_large_body_is_not_shown_to_keywright(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    token = gateway.make(memberships=READER)["token"]
    status, *_ = ask(connection, token, "PUT", body="x" * (2 * 1024 * 1024))
    # 413 is nginx's own limit for bodies; what Keywright says of the key is not about its length.
    assert status in ((403, 413) if gateway.name == "nginx" else (403,))


def test_a_key_that_is_narrowed_is_refused_at_once(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    made = gateway.make(memberships=WRITER)
    assert ask(connection, made["token"], "PUT", "/articles/cs/1", body="{}")[0] == 200
    assert ask(connection, made["token"], path="/articles/cs/2")[0] == 200
    scope = {"scope": [{"actions": ["article:read"], "resources": ["article:cs:1"]}]}
    gateway.manage("PATCH", f"/v1/keys/{made['key']['id']}", scope, tenant="my-blog")
    assert ask(connection, made["token"], path="/articles/cs/1")[0] == 200
    assert ask(connection, made["token"], "PUT", "/articles/cs/1", body="{}")[0] == 403
    assert ask(connection, made["token"], path="/articles/cs/2")[0] == 403


def test_names_that_services_read_as_ours_do_not_come_through(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    """CGI, WSGI and PHP make one variable of names with dashes, underscores and dots."""
    token = gateway.make(memberships=READER)["token"]
    forged = (
        "X_Keywright_Roles",
        "x_keywright_roles",
        "X-Keywright_Roles",
        "X_KEYWRIGHT-TENANT",
        "X.Keywright.Roles",
    )
    sent = {"Authorization": f"Bearer {token}", **dict.fromkeys(forged, "forged")}
    connection.request("GET", "/articles/cs/1", headers=sent)
    answer = connection.getresponse()
    told = answer.read().decode()
    assert (answer.status, "forged" in told) == (200, False), told


@pytest.mark.parametrize("name", TESTED)
def test_without_keywright_nobody_gets_through(name: str, tmp_path: Path) -> None:
    port, front = free_port(), free_port()
    env = {"KEYWRIGHT_DATA": str(tmp_path), "KEYWRIGHT_PORT": str(port)}
    serve = running([KEYWRIGHT, "serve"], env=env, ready_url=f"http://127.0.0.1:{port}/readyz")
    with articles() as behind, ExitStack() as stack:
        with serve as process:
            try:
                stack.enter_context(run(name, keywright=port, service=behind, front=front))
            except NoGateway as error:
                pytest.skip(str(error))
            process.stop()
        connection = http.client.HTTPConnection("127.0.0.1", front, timeout=30)
        try:
            connection.request("GET", "/articles/cs/1", headers={"Authorization": "Bearer anything"})
            answer = connection.getresponse()
            assert answer.status in (500, 502, 503)
            assert b"headers" not in answer.read()
        finally:
            connection.close()


def test_the_nginx_of_a_variable_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nginx"))
    assert nginx_binary() == tmp_path / "nginx"
    monkeypatch.delenv(VARIABLE)
    assert nginx_binary().is_file()
    monkeypatch.setattr("tests.support.nginx.find_spec", lambda _name: None)
    monkeypatch.setattr("tests.support.nginx.shutil.which", lambda *_names, **_more: None)
    with pytest.raises(RuntimeError, match=VARIABLE):
        nginx_binary()
