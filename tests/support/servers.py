"""Real processes for tests: start one, wait until it answers, and leave nothing of it behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

START_SECONDS = 30.0
STOP_SECONDS = 15.0
# What a process needs of ours to run at all, to trust the same certificates, and to be measured by coverage.
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_CONFIG")


@dataclass(frozen=True, slots=True)
class Process:
    """A process that `running` started; its output streams go to the files `stdout` and `stderr`."""

    popen: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self.popen.pid

    def output(self) -> str:
        """Return what it has written to standard output so far."""
        return self.stdout.read_text("utf-8", "replace")

    def errors(self) -> str:
        """Return what it has written to standard error so far."""
        return self.stderr.read_text("utf-8", "replace")

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, timeout: float = STOP_SECONDS) -> int:
        """Send the process a signal, wait until it ends, and return its exit status.

        The status is negative when a signal ended it. Raises `subprocess.TimeoutExpired` when it goes on.
        """
        self.popen.send_signal(with_signal)
        return self.popen.wait(timeout)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def tail(path: Path, lines: int = 40) -> str:
    """Return the last lines of a text file, or an empty string when there is none."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])


def minimal_environment(home: Path) -> dict[str, str]:
    """Return the environment of a machine where Keywright was never set up, and that has no keyring."""
    kept = {
        name: value for name, value in os.environ.items() if name in KEPT_VARIABLES or name.startswith("SSL_")
    }
    return {**kept, "HOME": str(home), "KEYWRIGHT_KEYRING": "off"}


def wait_for_http(url: str, timeout: float = START_SECONDS, check: Callable[[], None] | None = None) -> None:
    """Return when a GET of the URL is answered with a status below 500.

    `check` is called before each try, to raise when waiting has no point. Raises `TimeoutError`.
    """
    deadline = time.monotonic() + timeout
    while True:
        if check is not None:
            check()
        try:
            with urllib.request.urlopen(url, timeout=max(0.1, deadline - time.monotonic())):
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return
            reason = f"status {error.code}"
        except (OSError, urllib.error.URLError) as error:
            reason = str(error)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not answer after {timeout} s: {reason}")
        time.sleep(0.02)


@contextmanager
def running(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    ready_url: str | None = None,
    timeout: float = START_SECONDS,
) -> Iterator[Process]:
    """Run a command for as long as the block, from the moment it answers at `ready_url`.

    It gets `minimal_environment` plus `env`, and a new folder as its home and, without `cwd`, its working
    folder. At the end its process group gets SIGTERM, and what is left of it after 15 seconds SIGKILL.
    Raises `RuntimeError` with the end of its output when it ends before it answers, or answers too late.
    """
    with tempfile.TemporaryDirectory(prefix="keywright-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        process = _spawned(argv, Path(folder), {**minimal_environment(home), **(env or {})}, cwd or home)
        try:
            if ready_url is not None:
                _await(process, ready_url, timeout)
            yield process
        finally:
            _end(process.popen)


def _spawned(argv: Sequence[str | Path], logs: Path, env: dict[str, str], cwd: Path) -> Process:
    stdout, stderr = logs / "stdout", logs / "stderr"
    with stdout.open("wb") as out, stderr.open("wb") as err:
        popen = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd, start_new_session=True
        )
    return Process(popen, stdout, stderr)


def _await(process: Process, url: str, timeout: float) -> None:
    def fail(what: str) -> RuntimeError:
        return RuntimeError(f"{what}\nstdout:\n{tail(process.stdout)}\nstderr:\n{tail(process.stderr)}")

    def check() -> None:
        status = process.popen.poll()
        if status is not None:
            raise fail(f"{process.popen.args!r} ended with status {status} before it answered.")

    try:
        wait_for_http(url, timeout, check)
    except TimeoutError as error:
        raise fail(str(error)) from error


def _end(popen: subprocess.Popen[bytes]) -> None:
    with popen:
        for sent, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, None)):
            with suppress(ProcessLookupError):
                os.killpg(popen.pid, sent)
            with suppress(subprocess.TimeoutExpired):
                popen.wait(seconds)
