"""Keywright in this process, on a database of its own: the application without a server around it."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.installation import migrate, new_root, settings
from keywright.app import build
from keywright.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from keywright.app import Application
    from keywright.storage import Database
    from keywright.verify import Memory, Verifier


@dataclass(frozen=True, slots=True)
class Inside:
    """A started application, and its root key's token."""

    app: Application
    root: str

    @property
    def verifier(self) -> Verifier:
        """What decides."""
        return self.app.deciding.verifier

    @property
    def memory(self) -> Memory:
        """What its node remembers."""
        return self.app.deciding.node.memory

    async def new_key(self, **fields: object) -> str:
        """Make a key by REST; answers its token."""
        answer = await Request(self.app, "/v1/keys", self.root, json.dumps(fields).encode())()
        if "token" not in answer:
            raise SystemExit(f"A key could not be made: {answer}")
        token: str = answer["token"]
        return token


@asynccontextmanager
async def installation(folder: Path, database_url: str | None = None, **more: str) -> AsyncIterator[Inside]:
    """Start the application, and stop it at the end; `more` are further settings by their names in the environment."""
    root = new_root()
    env = {**settings(folder, root, database_url), **more}
    if database_url is not None:
        migrate(env)
    app = build(load({}, env, folder))
    await app.start()
    try:
        yield Inside(app, root)
    finally:
        await app.stop()


class Request:
    """One request to an ASGI application, as uvicorn would hand it over."""

    def __init__(self, app: Callable[..., Awaitable[None]], path: str, token: str, body: bytes) -> None:
        self._app = app
        self._body = body
        self._sent: list[Any] = []
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8300),
            "client": ("127.0.0.1", 50000),
            "scheme": "http",
            "method": "POST",
            "root_path": "",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [
                (b"host", b"127.0.0.1:8300"),
                (b"content-type", b"application/json"),
                (b"authorization", f"Bearer {token}".encode()),
                (b"content-length", str(len(body)).encode()),
            ],
        }

    async def run(self) -> None:
        """Ask."""
        self._sent.clear()
        await self._app(dict(self._scope), self._receive, self._send)

    async def __call__(self) -> Any:  # noqa: ANN401 - JSON
        """Ask, and read the answer."""
        await self.run()
        return json.loads(b"".join(one.get("body", b"") for one in self._sent))

    async def _receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def _send(self, message: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        self._sent.append(message)


async def default_tenant(database: Database) -> str:
    """The id of the tenant that the first start makes."""
    async with database.read() as transaction:
        found = await transaction.tenants.by_slug("default")
    if found is None:
        raise SystemExit("There is no tenant default.")
    return found.id


async def processor_us(work: Callable[[], Awaitable[object]], loops: int) -> float:
    """Microseconds of this thread's processor time that one of so many calls took."""
    began = time.thread_time()
    for _ in range(loops):
        await work()
    return (time.thread_time() - began) / loops * 1e6


async def elapsed_us(works: list[Callable[[], Awaitable[object]]]) -> list[float]:
    """Microseconds that each of some calls took, one after another."""
    found = []
    for work in works:
        began = time.perf_counter()
        await work()
        found.append((time.perf_counter() - began) * 1e6)
    return found
