"""A whole Keywright in the test's own process, and the ways in which the tests of this door speak to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
from sqlalchemy import select

from keywright.app import Application, build, migrate
from keywright.core.changes import EVERYTHING
from keywright.core.instants import SystemClock, to_us
from keywright.settings import load
from keywright.storage.schema import metadata, node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keywright.core.ports import Clock

ROOT = "root-token-of-the-tests-0001"
PASSWORD = "a-password-of-the-tests"


class MovableClock:
    """The machine's clock, moved by `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now_us(self) -> int:
        return to_us(self.now())

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


@dataclass(slots=True)
class House:
    """A running application, and a client that calls it as the root key unless told otherwise."""

    app: Application
    client: httpx2.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = ROOT,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        **more: Any,
    ) -> httpx2.Response:
        """One call, with `token` as its bearer token (None: without a credential)."""
        sent = list(headers.items() if isinstance(headers, Mapping) else headers or [])
        if token is not None:
            sent.append(("Authorization", f"Bearer {token}"))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent]
        return await self.client.request(method, path, headers=raw, **more)

    async def make(
        self, _token: str = ROOT, /, *, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> Any:
        """A created key as its answer."""
        answer = await self.ask(
            "POST", "/v1/keys", token=_token, headers=headers, json={"name": "A key", **fields}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def log_in(self) -> str:
        """A session token of the administrator."""
        body = {"login": "admin", "password": PASSWORD}
        answer = await self.ask("POST", "/v1/sessions", token=None, json=body)
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token

    async def execute(self, statement: Any) -> None:
        """Change the database without a use case; the node hears of it."""
        async with self.app.database.write() as transaction:
            await transaction._connection.execute(statement)
            await transaction.changes.add([EVERYTHING], self.app.clock.now())
        await self.app.deciding.node.catch_up()

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the database holds, by table: two of these are equal when nothing was written between.

        Nodes are left out, since each of them writes its own row again and again.
        """
        async with self.app.database.read() as transaction:
            found = {}
            for table in metadata.sorted_tables:
                if table is node:
                    continue
                rows = await transaction._connection.execute(select(table).order_by(*table.primary_key))
                found[table.name] = [tuple(row) for row in rows]
        return found


@asynccontextmanager
async def house(
    folder: Path, database_url: str | None = None, clock: Clock | None = None, **settings: str
) -> AsyncIterator[House]:
    """Start Keywright on a new database in `folder`, or on an empty PostgreSQL database.

    Nothing is written on a schedule, so that what a test sees written was written by what it did.
    """
    variables = {
        "KEYWRIGHT_DATA": str(folder / "data"),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT.encode()).hexdigest(),
        "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
        "KEYWRIGHT_USAGE_FLUSH_SECONDS": "3600",
        "KEYWRIGHT_SWEEP_INTERVAL_SECONDS": "86400",
        **{f"KEYWRIGHT_{name.upper()}": value for name, value in settings.items()},
    }
    if database_url is not None:
        variables["KEYWRIGHT_DATABASE_URL"] = database_url
    found = load({}, variables, folder)
    if database_url is not None:
        await migrate(found)
    app = build(found, clock)
    await app.start()
    transport = httpx2.ASGITransport(app=app)
    try:
        async with httpx2.AsyncClient(transport=transport, base_url="http://keywright.test") as client:
            yield House(app, client)
    finally:
        await app.stop()
