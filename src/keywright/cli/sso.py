"""`keywright login --sso`: the identity provider sends the person's browser back to this program."""

from __future__ import annotations

import threading
import webbrowser
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import click

from keywright.cli.connection import open_client, told
from keywright.cli.exits import Exit, Failed
from keywright.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.client import LoggedIn

_PATH: Final = "/callback"
_PAGE: Final = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Keywright</title></head>
<body><p>Keywright has the answer. Close this window and go back to the terminal.</p></body></html>
"""
_SECONDS: Final = 600.0  # as long as a flow lives
_AGAIN: Final = "Begin anew with `keywright login --sso`."


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a browser brought back: a code, or None where the provider refused."""

    state: str
    code: str | None

    def __repr__(self) -> str:
        """Without what is in it."""
        return "_Answer(…)"


class _Listener(ThreadingHTTPServer):
    """Listens on this machine for the browser that comes back; `answers` are those to the expected state."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.expected: str | None = None
        self.answers: SimpleQueue[_Answer] = SimpleQueue()

    @property
    def redirect_uri(self) -> str:
        """Where the browser is to come back to."""
        return f"http://127.0.0.1:{self.server_port}{_PATH}"


class _Handler(BaseHTTPRequestHandler):
    """Answers the browser. Whatever does not bring the expected state is none of ours, and ends nothing."""

    server: _Listener
    timeout = 10.0  # browsers open connections that they may never use

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        state, expected = query.get("state", [""])[0], self.server.expected
        if parts.path != _PATH or expected is None or not compare_digest(state.encode(), expected.encode()):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.send_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(_PAGE)
        self.server.answers.put(_Answer(state, query.get("code", [None])[0]))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Write nothing: the address that a browser asks for holds the code."""


@contextmanager
def _listening() -> Iterator[_Listener]:
    try:
        listener = _Listener()
    except OSError as error:
        raise Failed(
            f"This machine does not let a program listen on 127.0.0.1: {error.strerror}.", Exit.USAGE
        ) from None
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def sign_on(url: str, *, browser: bool) -> LoggedIn:
    """Log in to a server through its identity provider. The address to open is written to standard error.

    With `browser` it is opened as well. Raises `Failed` when the provider refuses, or nobody comes back.
    """
    with open_client(url, None) as client, _listening() as listener:
        with told():
            begun = client.sign_on.start(listener.redirect_uri)
        address = begun.authorization_url
        if not address.startswith(("https://", "http://")):
            raise Failed("The server names no address at which to log in.", Exit.NO_SERVER)
        listener.expected = parse_qs(urlsplit(address).query).get("state", [None])[0]
        click.echo(f"Log in at this address:\n{printable(address)}", err=True)
        if browser:
            webbrowser.open(address)
        answer = _awaited(listener)
        if answer.code is None:
            raise Failed("The identity provider did not let you in.", Exit.NOT_AUTHENTICATED, _AGAIN)
        with told():
            return client.sign_on.finish(begun.flow, answer.state, answer.code)


def _awaited(listener: _Listener) -> _Answer:
    """The answer, once it is there."""
    try:
        return listener.answers.get(timeout=_SECONDS)
    except Empty:
        raise Failed("Nobody came back from the login in time.", Exit.NOT_AUTHENTICATED, _AGAIN) from None
