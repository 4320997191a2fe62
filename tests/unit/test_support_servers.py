"""The processes that tests start: ready when yielded, with settings of their own, and gone afterwards."""

import http.server
import signal
import sys
import threading
from pathlib import Path

import pytest

from tests.support.servers import free_port, running, wait_for_http

SERVER = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]


def test_a_server_answers_when_it_is_yielded_and_is_gone_afterwards() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with running([*SERVER, str(port)], ready_url=url) as process:
        wait_for_http(url, timeout=0.5)
        assert process.popen.poll() is None
    assert process.popen.returncode == -signal.SIGTERM
    with pytest.raises(TimeoutError, match=url):
        wait_for_http(url, timeout=0.1)


def test_a_process_that_ends_early_shows_its_last_words() -> None:
    argv = [sys.executable, "-c", "import sys; print('almost'); sys.exit('no such port')"]
    with (
        pytest.raises(RuntimeError, match=r"status 1.*\n.*\nalmost\n.*\nno such port"),
        running(argv, ready_url=f"http://127.0.0.1:{free_port()}/"),
    ):
        pass


def test_a_process_that_never_answers_is_given_up() -> None:
    argv = [sys.executable, "-c", "import time; print('waiting', flush=True); time.sleep(60)"]
    with (
        pytest.raises(RuntimeError, match=r"does not answer after 0.5 s"),
        running(argv, ready_url=f"http://127.0.0.1:{free_port()}/", timeout=0.5),
    ):
        pass


def test_the_environment_is_that_of_another_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEYWRIGHT_PORT", "1")
    monkeypatch.setenv("SSL_CERT_FILE", "certificates")
    argv = [sys.executable, "-c", "import os; print(dict(os.environ), os.getcwd())"]
    with running(argv, env={"KEYWRIGHT_DATA": "data"}, cwd=tmp_path) as process:
        process.popen.wait(10)
        seen = process.output()
    assert "KEYWRIGHT_PORT" not in seen
    assert "'KEYWRIGHT_DATA': 'data'" in seen
    assert "'SSL_CERT_FILE': 'certificates'" in seen
    assert str(Path.home()) not in seen.partition("'HOME'")[2].partition(",")[0]
    assert seen.strip().endswith(str(tmp_path))


STOPPABLE = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
print("ready", flush=True)
signal.pause()
"""


def test_stop_returns_the_exit_status() -> None:
    with running([sys.executable, "-c", STOPPABLE]) as process:
        while not process.output():
            assert process.popen.poll() is None, process.errors()
        assert process.stop(signal.SIGINT) == 7


def test_a_child_that_outlives_its_parent_is_ended_too() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with running(["/bin/sh", "-c", 'trap "" TERM; "$@" &', "sh", *SERVER, str(port)]) as process:
        wait_for_http(url)
        assert process.popen.wait(10) == 0
    with pytest.raises(TimeoutError, match=url):
        wait_for_http(url, timeout=0.1)


def test_waiting_goes_on_while_the_server_fails_and_ends_at_any_other_answer() -> None:
    statuses = iter([503, 503, 404])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(next(statuses))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the base class's)
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        wait_for_http(f"http://127.0.0.1:{server.server_port}/", timeout=10)
        server.shutdown()
        thread.join()
    assert next(statuses, None) is None
