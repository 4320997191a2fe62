"""`keywright serve`: starting, what is printed when, and stopping."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from keywright.settings import SETTINGS
from tests.cli.commands import KEYWRIGHT, PASSWORD, ROOT_TOKEN, Shell
from tests.cli.terminal import terminal
from tests.support.servers import Process, free_port, running, wait_for_http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WELCOME = re.compile(
    r"Keywright is ready\. Open (http://127\.0\.0\.1:[0-9]+) and log in:\n\n"
    r"  user      admin\n  password  (\S+)\n\nIt is shown this once"
)


def wait(condition: Callable[[], object], process: Process) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.popen.poll() is None, process.errors()
        assert time.monotonic() < deadline, process.errors()
        time.sleep(0.02)


def log_lines(process: Process) -> list[dict[str, object]]:
    return [json.loads(line) for line in process.errors().splitlines()]


def listening_port(process: Process) -> int:
    """The port in the log line that says where the server listens."""
    wait(lambda: '"event": "listening"' in process.errors(), process)
    (line,) = [line for line in log_lines(process) if line["event"] == "listening"]
    assert line["host"] == "127.0.0.1"
    assert isinstance(line["port"], int)
    return line["port"]


def test_the_first_start_prints_address_and_password_once_and_the_next_prints_nothing(home: Path) -> None:
    data = {"KEYWRIGHT_DATA": str(home / "data"), "KEYWRIGHT_PORT": "0"}
    shell = Shell(home, {})
    with running([KEYWRIGHT, "serve"], env=data, cwd=home) as process:
        port = listening_port(process)
        found = WELCOME.match(process.output())
        assert found is not None, process.output()
        url, password = found.groups()
        assert url == f"http://127.0.0.1:{port}"
        assert process.output().endswith(f"\n\n  keywright login --url {url}\n")
        assert process.output().count(password) == 1
        assert shell.run("login", "--url", url, "--password", "-", stdin=password + "\n").code == 0
        token = (home / ".config/keywright/credentials.toml").read_text("utf-8").split('token = "')[1][:41]
        assert token.startswith("kws_")
        assert shell.run("whoami", "--url", url, "--quiet").out == "admin\n"
        assert "keywright password change" in shell.run("whoami", "--url", url).out
        assert shell.run("whoami", "--url", url, "--json").json["password_change_due"] is True
        assert process.stop() == 0
        assert password not in process.errors()
        assert token not in process.errors()
    with running([KEYWRIGHT, "serve"], env=data, cwd=home) as process:
        url = f"http://127.0.0.1:{listening_port(process)}"
        assert shell.run("login", "--url", url, "--password", "-", stdin=password).code == 0
        assert process.stop(signal.SIGINT) == 0
        assert process.output() == ""
        assert "http://" not in process.errors()
        assert password not in process.errors()


def test_a_configured_password_is_not_printed_and_a_root_key_opens_the_server(home: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT_TOKEN.encode()).hexdigest(),
        "KEYWRIGHT_LOG_LEVEL": "debug",
    }
    command = [KEYWRIGHT, "serve", "--port", str(port), "--data", home / "data"]
    with running(command, env=variables, ready_url=f"{url}/readyz") as process:
        wait(lambda: "keywright login" in process.output(), process)
        assert process.output().startswith(
            f"Keywright is ready. Open {url} and log in:\n\n  user      admin\n  password  the one that you set\n"
        )
        shell = Shell(home, {"KEYWRIGHT_URL": url})
        assert shell.run("login", "--password", "-", stdin=PASSWORD).code == 0
        root = shell.with_(KEYWRIGHT_API_KEY=ROOT_TOKEN)
        assert root.run("whoami", "--quiet").out == "root\n"
        made = root.run("keys", "create", "One", "--quiet").token
        assert root.run("verify", "-", "--quiet", stdin=made).code == 0
        assert process.stop() == 0
        written = process.output() + process.errors()
        assert [secret for secret in (PASSWORD, ROOT_TOKEN, made) if secret in written] == []


def test_the_default_address_needs_no_url_in_the_next_step(home: Path) -> None:
    command = [KEYWRIGHT, "serve", "--port", "0", "--public-url", "http://127.0.0.1:8300"]
    with running(command, cwd=home) as process:
        wait(lambda: "keywright login" in process.output(), process)
        assert process.output().startswith("Keywright is ready. Open http://127.0.0.1:8300 and log in:\n")
        assert process.output().endswith("\n  keywright login\n")


def test_a_request_that_runs_is_finished_when_the_server_is_told_to_stop(home: Path) -> None:
    port = free_port()
    command = [KEYWRIGHT, "serve", "--port", str(port)]
    with running(command, cwd=home, ready_url=f"http://127.0.0.1:{port}/readyz") as process:
        body = json.dumps({"login": "nobody", "password": PASSWORD}).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            head = f"POST /v1/sessions HTTP/1.1\r\nHost: keywright\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body[:10])
            wait_for_http(f"http://127.0.0.1:{port}/healthz")
            process.popen.send_signal(signal.SIGTERM)
            wait(lambda: '"event": "stopping"' in process.errors(), process)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            connection.sendall(body[10:])
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b'"invalid_credentials"' in answer
        assert process.popen.wait(20) == 0
        assert log_lines(process)[-1]["event"] == "stopped"


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_the_server_at_once(home: Path, sent: signal.Signals, status: int) -> None:
    port = free_port()
    command = [KEYWRIGHT, "serve", "--port", str(port), "--shutdown-seconds", "600"]
    with (
        running(command, cwd=home, ready_url=f"http://127.0.0.1:{port}/readyz") as process,
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(b"POST /v1/keys HTTP/1.1\r\nHost: keywright\r\nContent-Length: 9\r\n\r\n")
        wait_for_http(f"http://127.0.0.1:{port}/healthz")
        process.popen.send_signal(sent)
        wait(lambda: '"event": "stopping"' in process.errors(), process)
        assert process.popen.poll() is None
        assert process.stop(sent) == status


def test_requests_that_do_not_end_are_cut_off_after_the_set_time(home: Path) -> None:
    port = free_port()
    command = [KEYWRIGHT, "serve", "--port", str(port), "--shutdown-seconds", "1"]
    with running(command, cwd=home, ready_url=f"http://127.0.0.1:{port}/readyz") as process:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"POST /v1/keys HTTP/1.1\r\nHost: keywright\r\nContent-Length: 9\r\n\r\n")
            wait_for_http(f"http://127.0.0.1:{port}/healthz")
            assert process.stop() == 0
        assert log_lines(process)[-1]["event"] == "stopped"


def test_where_nobody_can_take_the_password_the_server_says_so_and_goes_on(home: Path) -> None:
    script = f"exec '{KEYWRIGHT}' serve --port 0 >/dev/full"
    with running(["/bin/sh", "-c", script], cwd=home) as process:
        port = listening_port(process)
        wait_for_http(f"http://127.0.0.1:{port}/readyz")
        (line,) = [line for line in log_lines(process) if line["event"] == "first_start_not_shown"]
        assert line["reason"] == "No space left on device"
        assert process.stop() == 0
        assert "Traceback" not in process.errors()


def test_a_port_in_use_is_one_sentence_and_touches_no_database(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = Shell(home, {}).run("serve", "--port", str(port))
    assert result.code == 3
    assert result.err == (
        f"Error: Cannot listen on 127.0.0.1, port {port}: the port is in use. "
        "Stop what listens there, or choose another with --port.\n"
    )
    assert result.out == ""
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_one_sentence(home: Path, host: str) -> None:
    result = Shell(home, {}).run("serve", "--host", host, "--port", "0")
    assert (result.code, result.out) == (3, "")
    assert result.err == (
        f"Error: Cannot listen on {host}, port 0: this machine has no such address. Choose another with --host.\n"
    )


def test_a_host_name_listens_on_each_of_its_addresses(home: Path) -> None:
    with running([KEYWRIGHT, "serve", "--host", "localhost", "--port", "0"], cwd=home) as process:
        wait(lambda: '"event": "listening"' in process.errors(), process)
        (line,) = [line for line in log_lines(process) if line["event"] == "listening"]
        families = {
            found[0] for found in socket.getaddrinfo("localhost", line["port"], type=socket.SOCK_STREAM)
        }
        assert families
        wait_for_http(f"http://localhost:{line['port']}/healthz")


def test_a_data_folder_that_cannot_be_made_is_one_sentence(home: Path) -> None:
    (home / "file").write_text("", "utf-8")
    result = Shell(home, {}).run("serve", "--port", "0", "--data", "file/data")
    assert (result.code, result.out) == (3, "")
    assert (
        result.err
        == f"Error: {home}/file/data cannot be used: Not a directory. Choose another DATA folder.\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written_is_one_sentence(home: Path) -> None:
    (home / "data").mkdir(mode=0o500)
    result = Shell(home, {}).run("serve", "--port", "0", "--data", "data")
    assert (result.code, result.out) == (3, "")
    assert len(result.err.splitlines()) == 1


def test_a_database_that_does_not_answer_is_one_sentence(home: Path) -> None:
    url = f"postgresql://keywright:hunter2hunter2@127.0.0.1:{free_port()}/keywright"
    result = Shell(home, {"KEYWRIGHT_DATABASE_URL": url}).run("serve", "--port", "0")
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith("Error: The database cannot be reached")
    assert len(result.err.splitlines()) == 1
    assert "hunter2" not in result.err


@pytest.mark.parametrize(
    ("variables", "args", "sentence"),
    [
        (
            {},
            ["--port", "83000"],
            "port cannot be '83000' (from the flag --port): it must be a whole number from 0",
        ),
        ({"KEYWRIGHT_PORT": "x"}, [], "port cannot be 'x' (from the variable KEYWRIGHT_PORT): it must be"),
        (
            {"KEYWRIGHT_PROT": "1"},
            [],
            "The variable KEYWRIGHT_PROT is not a setting; did you mean KEYWRIGHT_PORT?",
        ),
        ({}, ["--config", "none.toml"], "The settings file none.toml cannot be read"),
        ({"KEYWRIGHT_ADMIN_PASSWORD": "short"}, [], "admin_password cannot be the given value"),
    ],
)
def test_a_setting_that_is_not_allowed_is_one_sentence(
    home: Path, variables: dict[str, str], args: list[str], sentence: str
) -> None:
    result = Shell(home, variables).run("serve", *args)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"Error: {sentence}")
    assert len(result.err.splitlines()) == 1


def test_flags_override_variables_and_variables_the_file(home: Path) -> None:
    (home / "keywright.toml").write_text('port = 1\nlog_format = "json"\n', "utf-8")
    command = [KEYWRIGHT, "serve", "--port", "0"]
    with running(command, env={"KEYWRIGHT_PORT": "2", "KEYWRIGHT_DATA": "elsewhere"}, cwd=home) as process:
        assert listening_port(process) > 2
        assert (home / "elsewhere/keywright.db").exists()


def test_each_setting_has_a_flag_in_the_help(home: Path) -> None:
    shown = Shell(home, {}).run("serve", "--help")
    assert shown.code == 0
    words = " ".join(shown.out.split())
    for setting in SETTINGS:
        assert f"{setting.flag} VALUE" in words
        assert setting.env in words
    assert "--config PATH" in words
    assert "--url" not in words


def test_the_options_of_clients_are_refused(home: Path) -> None:
    result = Shell(home, {}).run("--url", "http://127.0.0.1:1", "serve")
    assert result.code == 2
    assert "This command takes no --url." in result.err


def test_answers_carry_a_date_and_no_name_of_the_server(home: Path) -> None:
    port = free_port()
    with (
        running(
            [KEYWRIGHT, "serve", "--port", str(port)], cwd=home, ready_url=f"http://127.0.0.1:{port}/readyz"
        ),
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0].lower()
    assert b"\r\ndate: " in head
    assert b"\r\nserver: " not in head


def test_on_a_terminal_the_first_start_is_readable_and_ctrl_c_ends_it(home: Path) -> None:
    with terminal(Shell(home, {}), "serve", "--port", "0") as screen:
        screen.expect("keywright login --url http://127.0.0.1:")
        screen.expect("listening")
        screen.send("\x03")
        assert screen.end() == 0
    assert WELCOME.search(screen.text)
    assert "Traceback" not in screen.text
