"""`keywright serve --workers`: several processes that are one server, whatever becomes of any of them."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN, Shell
from tests.support.servers import Process, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 120
ROOT = {"KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT_TOKEN.encode()).hexdigest()}


@dataclass
class Serving:
    """A server of several workers; each request is a connection of its own, which any of them may take."""

    process: Process
    port: int = 0

    def lines(self, event: str) -> list[dict[str, Any]]:
        whole = self.process.errors().rpartition("\n")[0]  # the last one may be half written
        found = (json.loads(line) for line in whole.splitlines() if line.startswith("{"))
        return [line for line in found if line["event"] == event]

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.process.errors()
            time.sleep(0.05)

    def started(self) -> list[int]:
        """The process ids of all workers that were ever ready."""
        return [line["pid"] for line in self.lines("worker_started")]

    def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self, path: str) -> int:
        return self.ask("GET", path)[0]

    def metric(self, name: str, **labels: str) -> float:
        for family in text_string_to_metric_families(self.ask("GET", "/metrics")[1].decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    def healthy(self) -> float:
        """How many requests for `/healthz` all workers count together."""
        return self.metric("keywright_http_requests_total", method="GET", route="/healthz", status="200")


@contextmanager
def serving(home: Path, *args: str, workers: int = 3, **variables: str) -> Iterator[Serving]:
    command = [KEYWRIGHT, "serve", "--workers", str(workers), "--port", "0", *args]
    with running(command, cwd=home, env={**ROOT, **variables}) as process:
        made = Serving(process)
        made.until(lambda: made.lines("listening") or process.popen.poll() is not None)
        (line,) = made.lines("listening")
        made.port = line["port"]
        made.until(lambda: len(made.started()) == workers)
        yield made


def alive(pid: int) -> bool:
    """Whether there is such a process, one that has ended and was not yet waited for not counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_several_workers_are_one_server_from_the_first_start_to_the_end(home: Path) -> None:
    with serving(home) as server:
        process = server.process
        assert process.output().count("  password  ") == 1
        password = process.output().split("  password  ")[1].split()[0]
        assert password not in process.errors()
        workers = server.started()
        assert len(set(workers)) == 3
        (line,) = server.lines("listening")
        assert (line["pid"], line["workers"]) == (process.pid, 3)
        for _ in range(9):
            assert server.status("/readyz") == 200
            status, body = server.ask("POST", "/v1/sessions", {"login": "admin", "password": password})
            assert (status, b'"kws_' in body) == (201, True)
        assert process.stop(timeout=60) == 0
        assert not any(map(alive, workers))
        assert sorted(line["pid"] for line in server.lines("stopped")) == sorted([*workers, process.pid])
        assert "Traceback" not in process.errors()
    with serving(home, workers=2) as server:
        assert server.process.output() == ""
        assert server.process.stop(signal.SIGINT, timeout=60) == 0


def test_a_revoked_key_is_refused_by_each_worker(home: Path) -> None:
    with serving(home) as server:
        for _ in range(3):
            status, body = server.ask("POST", "/v1/keys", {"name": "One"}, ROOT_TOKEN)
            assert status == 201, body
            made = json.loads(body)
            for _ in range(12):
                assert verified(server, made["token"]) == "VALID"
            assert server.ask("DELETE", f"/v1/keys/{made['key']['id']}", token=ROOT_TOKEN)[0] in {200, 204}
            for _ in range(12):
                assert verified(server, made["token"]) == "NOT_FOUND"


def verified(server: Serving, token: str) -> str:
    code: str = json.loads(server.ask("POST", "/v1/verify", {"token": token}, ROOT_TOKEN)[1])["code"]
    return code


def test_metrics_are_those_of_all_workers_and_never_go_back(home: Path) -> None:
    with serving(home) as server:
        for _ in range(30):
            server.status("/healthz")
        for _ in range(5):
            assert server.healthy() == 30
        assert server.metric("keywright_workers") == 3
        victim = server.started()[0]
        os.kill(victim, signal.SIGKILL)
        server.until(lambda: len(server.started()) == 4)
        assert not alive(victim)
        (ended,) = server.lines("worker_ended")
        assert (ended["worker"], ended["status"]) == (victim, -signal.SIGKILL)
        for _ in range(5):
            assert server.healthy() == 30
        for _ in range(10):
            assert server.status("/healthz") == 200
        assert server.healthy() == 40
        assert server.metric("keywright_workers") == 3


def test_a_worker_told_to_end_is_replaced(home: Path) -> None:
    with serving(home, workers=2) as server:
        os.kill(
            server.started()[1], signal.SIGINT
        )  # for all processes of a terminal, and no word to one of them
        os.kill(server.started()[0], signal.SIGTERM)
        server.until(lambda: len(server.started()) == 3)
        assert alive(server.started()[1])
        assert server.lines("worker_ended")[0]["status"] == 0


@dataclass
class Traffic:
    """One request after the other from another thread, each on a connection of its own."""

    server: Serving
    answers: list[int] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self.answers.append(self.server.status("/v1/whoami"))
            except Exception as error:  # noqa: BLE001 - whatever it is, a request was lost
                self.errors.append(error)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.run) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()


def test_sighup_replaces_all_workers_and_loses_no_request(home: Path) -> None:
    settings = home / "keywright.toml"
    with serving(home, workers=2) as server:
        before = server.started()
        settings.write_text('log_level = "debug"\n', "utf-8")
        traffic = Traffic(server)
        with traffic.flowing():
            server.process.popen.send_signal(signal.SIGHUP)
            server.until(lambda: server.lines("workers_replaced"))
        assert traffic.errors == []
        assert set(traffic.answers) == {401}
        assert len(server.started()) == 4
        assert not any(map(alive, before))
        assert server.lines("worker_ended") == []
        # The new ones have read the settings anew; where they cannot, the old ones go on.
        assert server.status("/healthz") == 200
        server.until(lambda: '"level": "debug"' in server.process.errors())
        settings.write_text("workers = many\n", "utf-8")
        server.process.popen.send_signal(signal.SIGHUP)
        server.until(lambda: server.lines("worker_not_replaced"))
        assert "keywright.toml" in server.lines("worker_not_replaced")[0]["reason"]
        assert all(map(alive, server.started()[2:]))
        assert server.status("/readyz") == 200


def test_without_its_supervisor_no_worker_is_left_and_the_port_is_free(home: Path) -> None:
    with serving(home, workers=2) as server:
        server.process.popen.kill()
        server.until(lambda: not any(map(alive, server.started())))
        socket.create_server(("127.0.0.1", server.port)).close()
        assert "Traceback" not in server.process.errors()


def test_a_start_that_fails_is_one_sentence(home: Path) -> None:
    url = f"postgresql://keywright:hunter2hunter2@127.0.0.1:{free_port()}/keywright"
    result = Shell(home, {"KEYWRIGHT_DATABASE_URL": url}).run("serve", "--port", "0", "--workers", "3")
    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines()[-1].startswith("Error: The database cannot be reached")
    assert "Traceback" not in result.err
    assert "hunter2" not in result.err


def test_a_running_request_is_finished_and_a_second_signal_waits_for_nothing(home: Path) -> None:
    with serving(home, "--shutdown-seconds", "600", workers=2) as server:
        body = json.dumps({"login": "nobody", "password": "correct horse battery"}).encode()
        head = (
            f"POST /v1/sessions HTTP/1.1\r\nHost: keywright\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        first = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        second = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        for connection in (first, second):
            connection.sendall(head + body[:10])
        time.sleep(0.5)
        server.process.popen.send_signal(signal.SIGTERM)
        server.until(lambda: len(server.lines("stopping")) == 3)
        first.sendall(body[10:])
        assert first.makefile("rb").read().startswith(b"HTTP/1.1 401 ")
        assert server.process.popen.poll() is None
        assert server.process.stop(signal.SIGTERM) == 128 + signal.SIGTERM
        server.until(lambda: not any(map(alive, server.started())))
        first.close()
        second.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_before_it_stops_the_server_says_so_for_a_while(home: Path, workers: int) -> None:
    command = [KEYWRIGHT, "serve", "--workers", str(workers), "--port", "0", "--drain-seconds", "4"]
    with running(command, cwd=home) as process:
        server = Serving(process)
        server.until(lambda: server.lines("listening"))
        server.port = server.lines("listening")[0]["port"]
        assert server.status("/readyz") == 200
        process.popen.send_signal(signal.SIGTERM)
        server.until(lambda: len(server.lines("draining")) == workers)
        assert server.status("/readyz") == 503
        assert server.status("/healthz") == 200
        assert process.popen.wait(60) == 0
        with pytest.raises(ConnectionRefusedError):
            server.status("/healthz")


def test_workers_on_postgresql(home: Path, create_database: Callable[..., str]) -> None:
    url = create_database()
    variables = {"KEYWRIGHT_DATABASE_URL": url, "KEYWRIGHT_DATABASE_POOL_SIZE": "2"}
    assert Shell(home, variables).run("migrate").code == 0
    with serving(home, workers=2, **variables) as server:
        status, body = server.ask("POST", "/v1/keys", {"name": "One"}, ROOT_TOKEN)
        assert status == 201, body
        made = json.loads(body)
        for _ in range(8):
            assert verified(server, made["token"]) == "VALID"
        assert server.ask("DELETE", f"/v1/keys/{made['key']['id']}", token=ROOT_TOKEN)[0] in {200, 204}
        for _ in range(8):
            assert verified(server, made["token"]) == "NOT_FOUND"
        with suppress(ProcessLookupError):
            os.kill(server.started()[0], signal.SIGKILL)
        server.until(lambda: len(server.started()) == 3)
        assert server.process.stop(timeout=60) == 0


def test_workers_without_redis_count_against_limits_together(home: Path) -> None:
    with serving(home) as server:
        body = {
            "name": "Limited",
            "tenant": "default",
            "limits": [{"name": "daily", "limit": 20, "window_seconds": 86_400}],
        }
        status, answer = server.ask("POST", "/v1/keys", body, ROOT_TOKEN)
        assert status == 201, answer
        token = json.loads(answer)["token"]
        verdicts = [
            json.loads(server.ask("POST", "/v1/verify", {"token": token}, ROOT_TOKEN)[1]) for _ in range(60)
        ]
        assert not any("limits_local" in verdict for verdict in verdicts)
        assert [verdict["code"] for verdict in verdicts] == ["VALID"] * 20 + ["RATE_LIMITED"] * 40
