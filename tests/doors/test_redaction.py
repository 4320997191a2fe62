"""No secret that a client puts anywhere comes out anywhere: no log line, error, metric or audit entry holds it.

One limit is meant: a text that a caller stores (a name, a description, a handle, a slug, metadata, a pattern) is
shown again as what it is. A Keywright token is refused there, because it can be told from other text; a secret in a
form of somebody else's cannot, and so is not sent there.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import sqlite3
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from keywright.core.tokens import Form, form_of, mint
from tests.doors.rest.every_input import Sent, every_input
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Process

KEYWRIGHT = Path(sys.executable).with_name("keywright")
ROOT = "root-token-5d41402abc4b2a76b9719d911017c592"
PASSWORD = "Correct-Horse_Battery.Staple~9"
IMPORTED = {"hex": "d033e22ae348aeb5660fc2140aec35850c4da997", "sk_live": "sk_live_4eC39HqLyjWDarjtT1zdp7dc"}
WINDOW = 12
"""Nothing shows so many characters of a secret in a row: hints show the prefix and four, and the last seven."""


@cache
def forms(secret: str) -> frozenset[str]:
    """A secret's pieces and encodings, in lower case, as they would be found in a text."""
    raw = secret.encode()
    pieces = {secret[at : at + WINDOW] for at in range(len(secret) - WINDOW + 1)}
    encoded = {
        raw.hex(),
        hashlib.sha256(raw).hexdigest(),
        quote(secret, safe=""),
        "".join(f"%{b:02X}" for b in raw),
    }
    for shift in range(3):  # of a longer text that holds it, as in a cursor
        text = base64.b64encode(b"\0" * shift + raw).decode()
        encoded.add(text[4 if shift else 0 : len(text) // 4 * 4 - 4])
    return frozenset(form.lower() for form in pieces | encoded)


def hits(text: str, secrets: dict[str, str]) -> set[str]:
    """The names of those secrets that a text holds in any form."""
    folded = text.lower()
    return {name for name, secret in secrets.items() if any(form in folded for form in forms(secret))}


@dataclass
class Server:
    """A running server, and all that it has answered."""

    port: int
    process: Process
    answers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def send(self, sent: Sent) -> None:
        """Send one request and keep its answer."""
        connection = self.connection
        connection.putrequest(
            sent.method, sent.target, skip_host="Host" in sent.headers, skip_accept_encoding=True
        )
        if sent.credential and "X-Api-Key" not in sent.headers:
            connection.putheader("Authorization", f"Bearer {ROOT}")
        for name, value in sent.headers.items():
            connection.putheader(name, value.encode("latin-1"))
        if sent.body is not None:
            connection.putheader("Content-Length", str(len(sent.body)))
        connection.endheaders(sent.body)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        self.keep(f"{answer.status} {answer.reason} {answer.getheaders()} {body}")

    def keep(self, answer: str) -> None:
        self.answers.append(answer)

    def raw(self, text: bytes) -> None:
        """Send what is no HTTP and keep what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            self.keep(b"".join(iter(lambda: connection.recv(65_536), b"")).decode("latin-1"))

    def call(
        self, method: str, path: str, body: dict[str, object], token: str | None = ROOT
    ) -> dict[str, dict[str, str]]:
        """A call that succeeds; its answer may hold secrets and is not kept."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.connection.request(method, path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        found: dict[str, dict[str, str]] = json.loads(answer.read())
        assert answer.status < 300, found
        return found


@contextmanager
def serving(folder: Path, log_format: str) -> Iterator[Server]:
    port = free_port()
    env = {
        "KEYWRIGHT_DATA": str(folder),
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_LOG_LEVEL": "debug",
        "KEYWRIGHT_LOG_FORMAT": log_format,
        "KEYWRIGHT_TRUSTED_PROXIES": "127.0.0.1",
        "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT.encode()).hexdigest(),
        "KEYWRIGHT_USAGE_FLUSH_SECONDS": "0.2",
    }
    with running([KEYWRIGHT, "serve"], env=env, ready_url=f"http://127.0.0.1:{port}/readyz") as process:
        server = Server(port, process)
        try:
            yield server
        finally:
            server.connection.close()


def stored(folder: Path) -> str:
    """The whole database as text, its blobs in hex."""
    with sqlite3.connect(folder / "keywright.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [(table, row) for table in tables for row in database.execute(f'SELECT * FROM "{table}"')]
    database.close()
    assert any(table == "audit_entry" for table, _ in rows)
    return "\n".join(
        f"{table} {[value.hex() if isinstance(value, bytes) else value for value in row]}"
        for table, row in rows
    )


def secrets_of(server: Server) -> tuple[str, dict[str, str]]:
    """Make a key, a session and imported keys; the id of the first, and each secret by a name."""
    made = server.call("POST", "/v1/keys", {"name": "Live"})
    key = str(made["token"])
    login: dict[str, object] = {"login": "admin", "password": PASSWORD}
    session = str(server.call("POST", "/v1/sessions", login, None)["token"])
    for token in IMPORTED.values():
        digest = hashlib.sha256(token.encode()).hexdigest()
        server.call("POST", "/v1/keys", {"name": "Imported", "token_hash": digest})
    mistyped = key[:-1] + ("0" if key[-1] != "0" else "1")
    secrets = {"key": key, "session": session, **IMPORTED, "password": PASSWORD, "mistyped": mistyped}
    return made["key"]["id"], secrets


def put_everywhere(server: Server, secret: str, key_id: str) -> None:
    for sent in every_input(secret, key_id, storable=form_of(secret) is Form.CHECKED):
        server.send(sent)
    for text in (
        f"{secret}\r\n\r\n",
        f"{secret} / HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /{secret} HTTP/9.9\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{secret}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {secret}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{secret}\r\n",
    ):
        server.raw(text.encode())


# How a line is rendered does not depend on the secret, so a token of each kind does for the second form.
@pytest.mark.parametrize(
    ("log_format", "names"),
    [("json", ["key", "session", "hex", "sk_live", "password", "mistyped"]), ("console", ["key", "sk_live"])],
)
def test_no_secret_comes_out_anywhere(tmp_path: Path, log_format: str, names: list[str]) -> None:
    with serving(tmp_path, log_format) as server:
        key_id, secrets = secrets_of(server)
        for name in names:
            put_everywhere(server, secrets[name], key_id)
        server.send(Sent("GET", "/metrics", credential=False))
        assert server.process.stop() == 0
        output, lines = server.process.output(), server.process.errors().splitlines()
    assert len(server.answers) > 600 * len(names)
    assert len(lines) > 600 * len(names)
    secrets["root"] = ROOT  # which was the credential of nearly all of them
    for text in (*set(server.answers), *lines, output):
        assert not hits(text, secrets), text[:300]
    assert not [answer for answer in server.answers if answer.startswith("500")]
    kept = stored(tmp_path)
    for secret in secrets.values():  # a token is stored as its digest
        kept = kept.replace(hashlib.sha256(secret.encode()).hexdigest(), "…")
    assert not hits(kept, secrets)


def test_a_hit_would_be_found() -> None:
    secret = mint().reveal()
    others = {"secret": secret}
    for text in (
        secret,
        f'"detail":"{secret}"',
        secret.upper(),
        secret[5:-5],
        quote(f" {secret}"),
        "".join(f"%{byte:02x}" for byte in secret.encode()),
        repr(secret.encode()),
        secret.encode().hex(),
        hashlib.sha256(secret.encode()).hexdigest(),
        *(base64.urlsafe_b64encode(b"x" * shift + secret.encode() + b"yz").decode() for shift in range(4)),
    ):
        assert hits(text, others) == {"secret"}, text
    assert hits(f"{secret[:7]}… {secret[-7:]}", others) == set()
    assert hits(mint().reveal(), others) == set()


@pytest.mark.parametrize("secret", [*IMPORTED.values(), ROOT, PASSWORD])
def test_these_are_in_nobodys_form(secret: str) -> None:
    assert form_of(secret) is Form.FOREIGN
