"""`keywright run`: the key that a command gets, what becomes of it, and whom signals reach."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN, Shell
from tests.cli.terminal import terminal
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.commands import Server

ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
# Says that it is there, counts each signal, and ends by itself when nothing comes any more.
COUNTS = """
import signal, sys, time
seen = []
def note(number, frame):
    seen.append(signal.Signals(number).name)
for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT):
    signal.signal(one, note)
print("ready", flush=True)
deadline = time.monotonic() + 30
while not seen and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(0.5)
print("seen", ",".join(seen), flush=True)
sys.exit(7)
"""


@pytest.fixture
def own(shell: Shell, request: pytest.FixtureRequest) -> Shell:
    """A shell with a tenant of its own."""
    slug = request.node.name.split("[")[0].replace("_", "-")[-50:].strip("-")
    shell.run("tenants", "create", slug)
    return shell.with_(KEYWRIGHT_TENANT=slug)


def keys(shell: Shell) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.run("keys", "list", "--json").json["items"]
    return found


def python(*code: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", *code)


@contextmanager
def started(shell: Shell, *args: str, own_session: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A command without a terminal, which says "ready" when its program has started."""
    with subprocess.Popen(
        [KEYWRIGHT, "run", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=shell.environment,
        cwd=shell.home,
        start_new_session=own_session,
    ) as popen:
        try:
            assert popen.stdout is not None
            assert popen.stdout.readline() == "ready\n"
            yield popen
        finally:
            popen.kill()


def test_a_command_gets_a_key_that_ends_with_it(own: Shell, server: Server) -> None:
    account = own.run("service-accounts", "create", "ci", "--role", "member", "--json").json
    before = datetime.now(UTC)
    code = (
        "import subprocess, sys, os, json; "
        f"found = subprocess.run([{str(KEYWRIGHT)!r}, 'whoami', '--json'], capture_output=True, check=True); "
        "print(json.dumps([dict(os.environ), json.loads(found.stdout), sys.argv[1:]]))"
    )
    done = own.run("run", "--service-account", "ci", *python(code, "--json", "a b", "-q"))
    environment, holder, arguments = done.json
    assert done.err == ""
    assert arguments == ["--json", "a b", "-q"]
    assert environment["KEYWRIGHT_URL"] == server.url
    assert environment["KEYWRIGHT_TENANT"] == own.variables["KEYWRIGHT_TENANT"]
    token = environment["KEYWRIGHT_API_KEY"]
    assert token != ROOT_TOKEN
    assert ROOT_TOKEN not in json.dumps(environment)
    assert holder["identity"]["id"] == account["id"]
    assert holder["key"]["name"] == f"keywright run {Path(sys.executable).name}"
    ends = datetime.fromisoformat(holder["expires_at"])
    assert timedelta(minutes=59) < ends - before < timedelta(minutes=62)
    assert keys(own) == []
    assert json.loads(own.run("verify", "-", "--json", stdin=token).out)["code"] == "NOT_FOUND"


def test_the_key_is_as_narrow_and_as_short_as_asked(own: Shell) -> None:
    code = (
        f"import subprocess; found = subprocess.run([{str(KEYWRIGHT)!r}, 'whoami', '--json'], "
        "capture_output=True); print(found.stdout.decode())"
    )
    before = datetime.now(UTC)
    holder = own.run(
        "run", "--for", "90s", "--action", "article:read", "--resource", "article:1", *python(code)
    ).json
    assert holder["key"]["scope"] == [{"actions": ["article:read"], "resources": ["article:1"]}]
    assert datetime.fromisoformat(holder["expires_at"]) - before < timedelta(seconds=120)


def test_another_variable_holds_the_token_and_ours_is_not_handed_on(own: Shell) -> None:
    found = own.run("run", "--env", "MY_KEY", *python(ENVIRONMENT)).json
    assert found["MY_KEY"].startswith("kw_")
    assert "KEYWRIGHT_API_KEY" not in found
    for name in ("", "1A", "A=B", "A-B", "KEYWRIGHT_URL"):
        assert own.run("run", "--env", name, *python("")).code == 2
    assert own.run("run", "--for", "0s", *python("")).code == 2
    assert own.run("run").code == 2


def test_a_global_key_is_for_the_whole_installation(shell: Shell) -> None:
    found = shell.run("run", "--global", *python(ENVIRONMENT)).json
    assert found["KEYWRIGHT_TENANT"] == "*"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import sys; sys.exit(0)", 0),
        ("import sys; sys.exit(9)", 9),
        ("import os; os.kill(os.getpid(), 15)", 143),
        ("import os; os.kill(os.getpid(), 9)", 137),
    ],
)
def test_the_exit_code_is_the_commands(own: Shell, code: str, expected: int) -> None:
    done = own.run("run", *python(code))
    assert (done.code, done.out, done.err) == (expected, "", "")
    assert keys(own) == []


def test_what_cannot_be_run_leaves_no_key(own: Shell, home: Path) -> None:
    done = own.run("run", "--", "no-such-program")
    assert done.code == 127
    assert done.err.startswith("Error: There is no program no-such-program to run.\n")
    script = home / "script"
    script.write_bytes(b"\x00\x01 no program at all")
    script.chmod(0o755)
    done = own.run("run", "--", str(script))
    assert done.code == 126
    assert "cannot be started" in done.err
    assert keys(own) == []
    done = own.run("run", "--service-account", "nobody", *python("print(1)"))
    assert (done.code, done.out) == (6, "")
    assert "keywright service-accounts list" in done.err
    ids = [own.run("service-accounts", "create", "twin", "--json").json["id"] for _ in range(2)]
    done = own.run("run", "--service-account", "twin", *python("print(1)"))
    assert (done.code, done.out) == (7, "")
    assert all(one in done.err for one in ids)
    done = own.run("run", "--service-account", ids[0], "--action", "a b", *python("print(1)"))
    assert (done.code, done.out) == (8, "")
    assert "--scope or --action" in done.err


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_signals_are_passed_on_once(own: Shell, name: str) -> None:
    with started(own, *python(COUNTS)) as popen:
        assert [key["state"] for key in keys(own)] == ["active"]
        popen.send_signal(signal.Signals[name])
        out, err = popen.communicate(timeout=60)
    assert (out, err, popen.returncode) == (f"seen {name}\n", "", 7)
    assert keys(own) == []


def test_a_signal_to_the_whole_group_reaches_the_command_once(own: Shell) -> None:
    with started(own, *python(COUNTS)) as popen:
        os.killpg(popen.pid, signal.SIGTERM)
        out, _ = popen.communicate(timeout=60)
    assert (out, popen.returncode) == ("seen SIGTERM\n", 7)


def test_the_command_has_usual_signals(own: Shell) -> None:
    code = (
        "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, "
        "signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    )
    assert own.run("run", *python(code)).out == "True set()\n"
    assert own.run("run", "--", "sh", "-c", "yes | head -1").out == "y\n"


def test_ctrl_c_reaches_the_command_once_and_its_terminal_works(own: Shell) -> None:
    asks = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty(), input('name? '), flush=True);"
    with terminal(own, "run", *python(asks + COUNTS)) as screen:
        screen.expect("name? ")
        screen.send("berta\n")
        screen.expect("True True berta")
        screen.expect("ready")
        screen.send("\x03")
        assert screen.end() == 7
    assert screen.text.endswith("seen SIGINT\n")
    assert keys(own) == []


def test_what_is_sent_to_us_alone_reaches_the_command_at_a_terminal_too(own: Shell) -> None:
    with terminal(own, "run", *python(COUNTS)) as screen:
        screen.expect("ready")
        os.kill(screen.pid, signal.SIGINT)
        assert screen.end() == 7
    assert screen.text.endswith("seen SIGINT\n")


def test_ctrl_c_ends_a_command_as_usual(own: Shell) -> None:
    with terminal(own, "run", "--", "sh", "-c", "echo ready; exec sleep 60") as screen:
        screen.expect("ready")
        screen.send("\x03")
        assert screen.end() == 130
    assert keys(own) == []


def test_ctrl_z_stops_both_and_both_go_on(own: Shell) -> None:
    line = f"{KEYWRIGHT} run -- sh -c 'echo ready; sleep 1; echo done'"
    with terminal(own, "-c", f"set -m; {line}; echo stopped; fg; echo $?", program="/bin/bash") as screen:
        screen.expect("ready")
        screen.send("\x1a")
        screen.expect("stopped")
        screen.expect("done")
        assert screen.end() == 0
    assert screen.text.endswith("0\n")


def test_a_key_that_cannot_be_revoked_is_told_and_the_exit_code_stays(own: Shell, home: Path) -> None:
    """The server is gone for `keywright run` by the time the command ends, since what leads to it is."""
    port = free_port()
    relay = home / "relay.py"
    relay.write_text(
        "import socket, sys, threading, urllib.parse\n"
        "target = urllib.parse.urlsplit(sys.argv[2])\n"
        "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "print('ready', flush=True)\n"
        "def pump(a, b):\n"
        "    while data := a.recv(65536):\n"
        "        b.sendall(data)\n"
        "    b.close()\n"
        "while True:\n"
        "    mine, _ = listener.accept()\n"
        "    theirs = socket.create_connection((target.hostname, target.port))\n"
        "    for pair in ((mine, theirs), (theirs, mine)):\n"
        "        threading.Thread(target=pump, args=pair, daemon=True).start()\n"
    )
    with subprocess.Popen(
        [sys.executable, relay, str(port), own.variables["KEYWRIGHT_URL"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as popen:
        assert popen.stdout is not None
        assert popen.stdout.readline() == "ready\n"
        code = f"import os, sys, time; os.kill({popen.pid}, 9); time.sleep(0.2); sys.exit(5)"
        done = own.with_(KEYWRIGHT_URL=f"http://127.0.0.1:{port}").run("run", *python(code))
    (left,) = keys(own)
    assert done.code == 5
    assert done.err.startswith(f"The key {left['id']} could not be revoked, and ends by itself at ")
    assert left["expires_at"] in done.err
    assert left["expires_at"] is not None


def test_when_we_are_killed_the_expiry_is_what_is_left(own: Shell) -> None:
    with started(
        own, "--for", "3s", *python("print('ready', flush=True); import time; time.sleep(5)")
    ) as popen:
        popen.kill()
        popen.wait()
    (left,) = keys(own)
    assert left["expires_at"] is not None
    deadline = time.monotonic() + 20
    while keys(own)[0]["state"] != "expired":
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_signal_that_comes_before_the_command_keeps_it_from_starting(own: Shell) -> None:
    popen = subprocess.Popen(
        [sys.executable, "-c", EARLY, *python("print('started')")[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=own.environment,
        cwd=own.home,
    )
    out, err = popen.communicate(timeout=60)
    assert (out, err, popen.returncode) == ("", "", 143)
    assert keys(own) == []


# The signal is sent at the moment at which the key has been made.
EARLY = """
import os, signal, sys
from keywright.cli.root import run
from keywright.client.resources import Keys
made = Keys._created
def created(self, answer):
    os.kill(os.getpid(), signal.SIGTERM)
    return made(self, answer)
Keys._created = created
sys.exit(run(["run", "--", *sys.argv[1:]]))
"""
