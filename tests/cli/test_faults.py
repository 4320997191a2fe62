"""What a command says when a server fails it."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import Server, Shell
from tests.unit.client.scripted import TOKEN, Answer, problem, scripted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_IDS = [f"key_{number:032x}" for number in range(3)]


@contextmanager
def forgetful(server: Server) -> Iterator[str]:
    """The address of a relay to a server that loses the first answer to a POST on its way."""
    lost: list[str] = []

    class Relay(BaseHTTPRequestHandler):
        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            onward = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
            onward.request(self.command, self.path, body, dict(self.headers))
            answer = onward.getresponse()
            content = answer.read()
            onward.close()
            if self.command == "POST" and not lost:
                lost.append(self.path)
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = relay  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_args: object) -> None:
            pass

    relay = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{relay.server_port}"
    finally:
        relay.shutdown()
        relay.server_close()
        thread.join()
    assert lost


@pytest.mark.parametrize("form", ["--json", "--quiet", "--no-color"])
def test_a_key_whose_token_was_lost_on_its_way_is_told_and_made_once(
    shell: Shell, server: Server, form: str
) -> None:
    name = f"Lost {form}"
    with forgetful(server) as url:
        made = shell.run("keys", "create", name, form, "--url", url)
    (key,) = shell.run("keys", "list", "--name-prefix", name, "--json").json["items"]
    assert made.code == 3
    assert made.err.splitlines() == [
        f"Error: The key {key['id']} was made, and its token was lost with the connection.",
        f"Delete it with `keywright keys delete {key['id']}`, and make another.",
    ]
    if form == "--json":
        assert json.loads(made.out)["replayed"] is True
    else:
        assert made.out == ""


def test_a_key_with_a_hash_of_ones_own_loses_nothing(shell: Shell, server: Server) -> None:
    with forgetful(server) as url:
        made = shell.run("keys", "create", "Brought", "--token-hash", "ab" * 32, "--quiet", "--url", url)
    assert made.token.startswith("key_")


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (problem(401, "unauthenticated"), 4, "The credential came from --key."),
        (problem(403, "permission_denied"), 5, "(permission_denied, request req)"),
        (problem(404, "not_found"), 6, "(not_found, request req)"),
        (problem(409, "handle_taken"), 7, "(handle_taken, request req)"),
        (problem(422, "tenant_required", field="tenant"), 8, "Name it with --tenant or KEYWRIGHT_TENANT"),
        (problem(429, "too_many_attempts"), 9, "(too_many_attempts, request req)"),
        (problem(503, "unavailable"), 9, "(unavailable, request req)"),
        (problem(500, "internal_error"), 9, "(internal_error, request req)"),
        (Answer(502, "<html>"), 9, "The server is not available (status 502)."),
        (Answer(200, "<html>"), 3, "is not Keywright: it answers with status 200"),
        (Answer(308, None, {"Location": "https://keys.example"}), 3, "it redirects to https://keys.example"),
        (Answer(hang_up=True), 3, "the connection was closed before an answer came"),
        (problem(404, "evil\x1b[31m", detail="\x1b]0;owned\x07", field="\x9b"), 6, "\\x1b]0;owned\\x07"),
    ],
)
def test_each_failure_has_its_exit_code_and_its_next_step(
    home: Path, answer: Answer, code: int, told: str
) -> None:
    with scripted(answer) as server:
        result = Shell(home, {}).run("keys", "show", KEY_IDS[0], "--url", server.url, "--key", TOKEN)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("Error: ")
    assert told in result.err
    assert TOKEN not in result.err
    assert "\x1b" not in result.err


def test_a_wait_that_the_server_asks_for_is_told(home: Path) -> None:
    answer = problem(429, "too_many_attempts")
    answer.headers["Retry-After"] = "42"
    with scripted(answer) as server:
        result = Shell(home, {}).run("login", "--password", "-", "--url", server.url, stdin="a password")
    assert result.code == 9
    assert result.err.endswith("Try again in 42 seconds.\n")


def test_a_verdict_that_nobody_knows_is_not_a_no(home: Path) -> None:
    with scripted(Answer(503, {"valid": False, "code": "STALE", "key_id": None})) as server:
        result = Shell(home, {}).run("verify", "-", "--url", server.url, "--key", TOKEN, stdin="x")
    assert result.code == 9
    assert "the answer is not known" in result.out


def test_the_agent_of_the_command_line_names_its_version(home: Path) -> None:
    with scripted(Answer(200, {"identity": {"name": "me"}})) as server:
        assert Shell(home, {}).run("whoami", "-q", "--url", server.url, "--key", TOKEN).out == "me\n"
    assert server.requests[0].headers["user-agent"].startswith("keywright-cli/")


def page(slugs: list[str], cursor: str | None) -> Answer:
    moment = "2026-01-01T00:00:00Z"
    items = [
        {"slug": slug, "name": slug, "id": "ten_1", "active": False, "created_at": moment} for slug in slugs
    ]
    return Answer(200, {"items": items, "next_cursor": cursor})


def test_a_list_of_many_pages_is_asked_for_page_by_page(home: Path) -> None:
    with scripted(page(["a", "b"], "one"), page(["c"], "two"), page([], None)) as server:
        listed = Shell(home, {}).run("tenants", "list", "--all", "--url", server.url, "--key", TOKEN)
    assert [line.split()[0] for line in listed.out.splitlines()] == ["SLUG", "a", "b", "c"]
    assert [request.path for request in server.requests] == [
        "/v1/tenants?limit=200",
        "/v1/tenants?limit=200&cursor=one",
        "/v1/tenants?limit=200&cursor=two",
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (page(["a"], "next"), "There are more. Add --all, or --cursor next for the next page.\n"),
        (page([], None), "There is no tenant that you may see.\n"),
    ],
)
def test_what_a_list_leaves_open_is_told_beside_it(home: Path, answer: Answer, told: str) -> None:
    with scripted(answer) as server:
        shell = Shell(home, {"KEYWRIGHT_URL": server.url, "KEYWRIGHT_API_KEY": TOKEN})
        assert shell.run("tenants", "list").err == told
        assert shell.run("tenants", "list", "--quiet").err == ""


def test_a_failure_of_all_ends_a_command_over_several_keys(home: Path) -> None:
    with scripted(Answer(200, {"id": "key_1"}), problem(401, "unauthenticated")) as server:
        result = Shell(home, {}).run("keys", "show", *KEY_IDS, "--json", "--url", server.url, "--key", TOKEN)
    assert result.code == 4
    assert json.loads(result.out) == {"items": [{"id": "key_1"}]}
    assert len(server.requests) == 2


def test_a_sick_server_is_what_doctor_finds(home: Path) -> None:
    answers = [
        Answer(200, {"status": "alive"}),
        Answer(503, {"status": "database unavailable"}),
        Answer(200, {"info": {"version": "9.9"}}),
        problem(503, "unavailable"),
    ]
    with scripted(*answers) as server:
        result = Shell(home, {}).run("doctor", "--json", "--url", server.url, "--key", TOKEN)
    assert result.code == 1
    found = {one["name"]: (one["ok"], one["detail"]) for one in json.loads(result.out)["findings"]}
    assert found["ready"] == (False, "It cannot decide: database unavailable.")
    assert found["version"] == (True, "It runs Keywright 9.9.")
    assert found["credential"][0] is False
