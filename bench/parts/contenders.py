"""Who is measured in `verify`: each starts a server, and says which requests it is to be asked."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench import environments
from bench.installation import keywright, new_key, verification
from bench.servers import Request, Server, free_port, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from bench.installation import Keywright

KEYS = 100
ACTION = "article:read"
# So much that none is refused: what counting costs is measured, not what refusing does.
LIMITS = [{"name": "burst", "limit": 1_000_000_000, "window_seconds": 1}]
CREDITS = {"remaining": 1_000_000_000}

UVICORN = (
    *(
        "-m",
        "uvicorn",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
    ),
    *("--no-server-header", "--no-proxy-headers"),
)


@dataclass(frozen=True, slots=True)
class Asking:
    """A server that runs, and what it is to be asked in turn; `varied` says how no request is like another."""

    server: Server
    requests: Sequence[Request]
    varied: str | None = None


def constant(stack: ExitStack, folder: Path) -> Asking:
    """Our server software, answering a constant to the same requests."""
    port = free_port()
    command = [sys.executable, *UVICORN, "bench.constant:app", "--port", str(port)]
    server = stack.enter_context(serving(command, {}, port, "/", folder / "constant.log"))
    token = secrets.token_hex(20)
    return Asking(server, [verification(token, token, action=ACTION)])


def ours(stack: ExitStack, folder: Path) -> dict[str, Asking]:
    """One Keywright server on SQLite, asked about keys with nothing to count, with a limit, and with credits."""
    home = stack.enter_context(keywright(folder))
    asked = plain(home)
    return {
        "plain": asked,
        "traced": replace(asked, varied="trace"),
        "fresh": replace(asked, varied="resource"),
        "limit": plain(home, limits=LIMITS),
        "credits": plain(home, credits=CREDITS),
    }


def plain(home: Keywright, **fields: object) -> Asking:
    """A running Keywright, asked by one key about a hundred others."""
    client = home.client()
    _, asker = new_key(client, name="gateway", scope=[{"actions": ["keys:verify"]}])
    scope = [{"actions": [ACTION]}]
    tokens = [new_key(client, name=f"key {number}", scope=scope, **fields)[1] for number in range(KEYS)]
    client.close()
    return Asking(home.server, [verification(asker, token, action=ACTION) for token in tokens])


def keyshield(stack: ExitStack, folder: Path) -> Asking:
    """FastAPI with keyshield's dependency."""
    port = free_port()
    command = [str(environments.python("keyshield")), *UVICORN, "app:app", "--port", str(port)]
    return _peer(stack, folder, "keyshield", command, port, "Bearer")


def drf_api_key(stack: ExitStack, folder: Path) -> Asking:
    """Django REST framework with djangorestframework-api-key's permission, under gunicorn with threads."""
    port = free_port()
    command = [
        *(str(environments.python("drf_api_key")), "-m", "gunicorn", "app:app"),
        *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4", "--keep-alive", "60"),
        *("--log-level", "error", "--no-control-socket"),
    ]
    return _peer(stack, folder, "drf_api_key", command, port, "Api-Key")


def better_auth(storage: str) -> Callable[[ExitStack, Path], Asking]:
    """The plugin of better-auth on Node, with its keys in memory or in the database."""

    def start(stack: ExitStack, folder: Path) -> Asking:
        node = environments.program("node")
        home = environments.node("better_auth")
        port = free_port()
        more = {"BENCH_STORAGE": storage, "BENCH_SECRET": secrets.token_hex(32), "NODE_ENV": "production"}
        command = [node, str(home / "server.mjs")]
        return _peer(stack, folder, f"better_auth-{storage}", command, port, "Bearer", **more)

    return start


def nginx(stack: ExitStack, folder: Path) -> Asking:
    """The least there can be: nginx with its keys in a map."""
    port, place = free_port(), folder / "nginx"
    place.mkdir()
    tokens = [secrets.token_hex(20) for _ in range(KEYS)]
    keys = "\n".join(f'    "Bearer {token}" "key {number}";' for number, token in enumerate(tokens))
    text = (environments.PEERS / "nginx" / "nginx.conf").read_text()
    for name, value in {"FOLDER": str(place), "PORT": str(port), "KEYS": keys}.items():
        text = text.replace(f"@{name}@", value)
    (place / "nginx.conf").write_text(text)
    if os.geteuid() == 0:
        place.chmod(0o755)
    command = [environments.program("nginx"), "-c", str(place / "nginx.conf"), "-p", str(place)]
    server = stack.enter_context(serving(command, {}, port, "/ready", folder / "nginx.log"))
    return Asking(server, _checks(tokens, "Bearer"))


def _peer(
    stack: ExitStack, folder: Path, name: str, command: Sequence[str], port: int, scheme: str, **more: str
) -> Asking:
    """A peer's program, which makes its keys at its start and writes their tokens into its folder."""
    home = folder / name
    home.mkdir()
    env = {"BENCH_FOLDER": str(home), "BENCH_KEYS": str(KEYS), "BENCH_PORT": str(port), **more}
    source = environments.PEERS / name.partition("-")[0]
    log = folder / f"{name}.log"
    server = stack.enter_context(serving(command, env, port, "/ready", log, cwd=source))
    return Asking(server, _checks(json.loads((home / "tokens.json").read_text()), scheme))


def _checks(tokens: Sequence[str], scheme: str) -> list[Request]:
    return [Request("GET", "/check", {"Authorization": f"{scheme} {token}"}) for token in tokens]
