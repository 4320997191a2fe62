"""`keywright agent start`: how it gets its key, where it listens, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.commands import Server, Shell
    from tests.support.servers import Process

SCOPE = [{"actions": ["nodes:run", "keys:verify"]}]


def call(server: Server, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {ROOT_TOKEN}"}
    if not path.startswith("/v1/nodes"):
        headers["Keywright-Tenant"] = "default"
    answer = httpx2.request(method, f"{server.url}{path}", json=body, headers=headers, timeout=60)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def a_key(server: Server, **fields: Any) -> Any:
    return call(server, "POST", "/v1/keys", {"name": "one", "memberships": [{"role": "admin"}], **fields})


def agents(server: Server) -> list[str]:
    found = call(server, "GET", "/v1/nodes")
    return [one["name"] for one in found["items"] if one["kind"] == "agent"]


def until(condition: Callable[[], object], process: Process) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.popen.poll() is None, process.errors()
        assert time.monotonic() < deadline, process.errors()
        time.sleep(0.02)


def events(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.errors().splitlines() if line.startswith("{")]


@contextmanager
def started(home: Path, *options: str, **variables: str) -> Iterator[Process]:
    argv = [KEYWRIGHT, "agent", "start", "--log-format", "json", *options]
    with running(argv, env=variables, cwd=home) as process:
        yield process


def listening(process: Process) -> str:
    """Where it listens, as it says."""
    until(lambda: any(one["event"] == "agent_listening" for one in events(process)), process)
    (line,) = [one for one in events(process) if one["event"] == "agent_listening"]
    at: str = line["at"]
    return at


def verdict(at: str, token: str) -> str:
    code: str = httpx2.post(f"{at}/v1/verify", json={"token": token}, timeout=60).json()["code"]
    return code


def test_it_decides_for_programs_without_a_key_and_leaves_when_it_is_told_to(
    home: Path, server: Server
) -> None:
    own, key = a_key(server, scope=SCOPE), a_key(server)
    file = home / "agent.key"
    file.write_text(own["token"] + "\n", "utf-8")
    file.chmod(0o600)
    options = ("--url", server.url, "--key-file", str(file), "--listen", "127.0.0.1:0", "--name", "shop")
    with started(home, *options) as process:
        at = listening(process)
        assert verdict(at, key["token"]) == "VALID"
        assert "shop" in agents(server)
        shown = httpx2.get(f"{at}/v1/authorize", headers={"X-Api-Key": key["token"]}, timeout=60)
        assert shown.status_code == 204
        assert httpx2.get(f"{at}/readyz", timeout=60).status_code == 200
        assert "keywright_lease_held 1.0" in httpx2.get(f"{at}/metrics", timeout=60).text
        assert httpx2.get(f"{at}/v1/keys", timeout=60).status_code == 404
        call(server, "PATCH", f"/v1/keys/{key['key']['id']}", {"active": False})
        assert verdict(at, key["token"]) == "DISABLED"
        assert process.stop(signal.SIGTERM) == 0
        assert "shop" not in agents(server)
        assert own["token"] not in process.errors()
        assert key["token"] not in process.errors()
    usage = call(server, "GET", f"/v1/keys/{key['key']['id']}/usage")
    assert usage["totals"] == {"VALID": 2, "DISABLED": 1}


def test_its_key_may_come_by_the_environment(home: Path, server: Server) -> None:
    variables = {"KEYWRIGHT_API_KEY": a_key(server, scope=SCOPE)["token"], "KEYWRIGHT_URL": server.url}
    with started(home, "--listen", "127.0.0.1:0", **variables) as process:
        assert listening(process).startswith("http://127.0.0.1:")
        assert socket.gethostname() in agents(server)
        assert process.stop(signal.SIGINT) == 0


def test_its_key_may_come_by_standard_input(home: Path, server: Server) -> None:
    command = [KEYWRIGHT, "agent", "start", "--url", server.url, "-t", "-", "--listen", "127.0.0.1:0"]
    token = a_key(server, scope=SCOPE)["token"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, env=environment, cwd=home)
        assert process.stdin is not None
        process.stdin.write(token.encode())
        process.stdin.close()
        while "agent_listening" not in (home / "log").read_text("utf-8"):
            assert process.poll() is None, (home / "log").read_text("utf-8")
            time.sleep(0.02)
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_may_read_is_refused_with_what_to_do(home: Path, anyone: Shell, mode: int) -> None:
    file = home / "agent.key"
    file.write_text("kw_one", "utf-8")
    file.chmod(mode)
    done = anyone.run("agent", "start", "--key-file", str(file))
    assert (done.code, f"chmod 600 {file}" in done.err) == (2, True)
    # For what systemd gives to a service alone it shows a group, which stands for an access list.
    given = anyone.with_(CREDENTIALS_DIRECTORY=str(home)).run("agent", "start", "--key-file", str(file))
    assert given.code == 4
    elsewhere = anyone.with_(CREDENTIALS_DIRECTORY=str(home / "other"))
    assert elsewhere.run("agent", "start", "--key-file", str(file)).code == 2


def test_what_cannot_be_its_key_is_told(home: Path, anyone: Shell) -> None:
    empty, odd = home / "empty", home / "odd"
    empty.write_bytes(b" \n")
    odd.write_bytes(b"\xff")
    for file in (empty, odd):
        file.chmod(0o600)
    for options, code, says in (
        (("--key-file", str(empty)), 2, "There is no key"),
        (("--key-file", str(odd)), 2, "it is no text"),
        (("--key-file", str(home / "none")), 2, "No such file"),
        (("--key-file", str(empty), "-t", "kw_a"), 2, "either"),
        ((), 4, "--key-file"),
        (("-t", "kw_a", "--trusted-proxy", "here"), 2, "no network"),
        (("-t", "kw_a", "--listen", "nowhere"), 2, "neither HOST:PORT nor unix:PATH"),
        (("-t", "kw_a", "--listen", "127.0.0.1:99999"), 2, "neither HOST:PORT nor unix:PATH"),
    ):
        done = anyone.run("agent", "start", *options)
        assert (done.code, says in done.err) == (code, True), (options, done.err)


def test_a_wrong_key_and_one_that_may_too_little_end_it(anyone: Shell, server: Server) -> None:
    listen = ("--listen", "127.0.0.1:0")
    wrong = anyone.run("agent", "start", "-t", "kw_nonsense", *listen)
    assert (wrong.code, "new key" in wrong.err) == (4, True)
    little = a_key(server, scope=[{"actions": ["keys:verify"]}])["token"]
    denied = anyone.run("agent", "start", "-t", little, *listen)
    assert (denied.code, "nodes:run" in denied.err) == (5, True)
    assert little not in denied.err


def test_a_socket_is_for_its_owner_and_group_and_replaces_one_that_was_left(
    home: Path, server: Server
) -> None:
    path, key = home / "agent.sock", a_key(server)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    variables = {"KEYWRIGHT_API_KEY": a_key(server, scope=SCOPE)["token"], "KEYWRIGHT_URL": server.url}
    with started(home, "--listen", f"unix:{path}", **variables) as process:
        assert listening(process) == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        transport = httpx2.HTTPTransport(uds=str(path))
        with httpx2.Client(transport=transport, timeout=60) as client:
            answer = client.post("http://agent/v1/verify", json={"token": key["token"]})
        assert answer.json()["code"] == "VALID"
        second = subprocess.run(
            [KEYWRIGHT, "agent", "start", "--listen", f"unix:{path}"],
            env={"PATH": os.environ["PATH"], "HOME": str(home), **variables},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert second.returncode == 3
        assert b"Cannot listen" in second.stderr
        assert process.stop() == 0
    assert not path.exists()


def test_a_port_that_is_in_use_is_told(anyone: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = anyone.run("agent", "start", "-t", "kw_a", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.code == 3


def test_a_server_that_is_not_there_yet_is_waited_for(home: Path) -> None:
    port = free_port()
    variables = {"KEYWRIGHT_URL": f"http://127.0.0.1:{port}", "KEYWRIGHT_API_KEY": ROOT_TOKEN}
    with started(home, "--listen", "127.0.0.1:0", **variables) as process:
        until(lambda: any(one["event"] == "server_away" for one in events(process)), process)
        assert process.stop() == 0
    needed = {
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_DATA": str(home / "data"),
        "KEYWRIGHT_ADMIN_PASSWORD": "correct horse battery",
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT_TOKEN.encode()).hexdigest(),
    }
    with started(home, "--listen", "127.0.0.1:0", **variables) as process:
        until(lambda: any(one["event"] == "server_away" for one in events(process)), process)
        with running(
            [KEYWRIGHT, "serve"], env=needed, ready_url=f"http://127.0.0.1:{port}/readyz"
        ) as serving:
            at = listening(process)
            assert verdict(at, ROOT_TOKEN) == "VALID"
            # A server with agents stops as quickly as one without: nobody waits for a change until the end.
            began = time.monotonic()
            assert serving.stop() == 0
            assert time.monotonic() - began < 10
        assert process.stop() == 0


@pytest.mark.parametrize("how", ["DELETE", "PATCH"])
def test_it_ends_with_its_key(home: Path, server: Server, how: str) -> None:
    own, key = a_key(server, scope=SCOPE), a_key(server)
    variables = {"KEYWRIGHT_API_KEY": own["token"], "KEYWRIGHT_URL": server.url}
    with started(home, "--listen", "127.0.0.1:0", "--name", how, **variables) as process:
        at = listening(process)
        assert verdict(at, key["token"]) == "VALID"
        body = None if how == "DELETE" else {"active": False}
        receipt = call(server, how, f"/v1/keys/{own['key']['id']}", body)["receipt"]
        assert receipt["complete"]
        with suppress(httpx2.TransportError):  # it is gone
            assert httpx2.post(f"{at}/v1/verify", json={"token": key["token"]}).status_code == 503
        assert process.popen.wait(30) == 4
        assert "The agent has stopped." in process.errors()
        assert how not in agents(server)
