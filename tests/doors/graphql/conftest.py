"""A whole Keywright on SQLite in the test's own process, spoken to over GraphQL."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from keywright.api.graphql.documents import Documents
from keywright.api.graphql.schema import build_schema
from keywright.app import Application, build
from keywright.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from graphql import GraphQLSchema

ROOT = "root-token-of-the-graphql-tests"
RESPONSE = "application/graphql-response+json"

MAKE = """mutation ($input: CreateApiKeyInput!) {
    createApiKey(input: $input) { token replayed apiKey { id name state } }
}"""
TENANT = """mutation ($input: CreateTenantInput!) {
    createTenant(input: $input) { tenant { id slug name active } replayed }
}"""
VERIFY = "query ($input: VerifyInput!) { verify(input: $input) { valid code keyId name } }"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Speaks to an application over GraphQL with one credential (None: without any)."""

    app: Application
    client: httpx2.AsyncClient
    token: str | None = ROOT

    def as_(self, token: str | None) -> Speaker:
        return replace(self, token=token)

    async def post(self, body: Any, **headers: str) -> httpx2.Response:
        """Send a body; keyword arguments become headers, `idempotency_key` becomes `idempotency-key`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        if isinstance(body, bytes):
            return await self.client.post("/graphql", content=body, headers=sent)
        return await self.client.post("/graphql", json=body, headers=sent)

    async def ask(
        self, query: str, variables: dict[str, Any] | None = None, **headers: str
    ) -> dict[str, Any]:
        """Send a query; gives the whole answer."""
        answer: dict[str, Any] = (await self.post({"query": query, "variables": variables}, **headers)).json()
        return answer

    async def get(self, query: str, /, *, headers: dict[str, str] | None = None, **variables: Any) -> Any:
        """The value of the only root field of a query that is expected to succeed."""
        answer = await self.ask(query, variables, **(headers or {}))
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    async def refused(
        self, query: str, /, *, headers: dict[str, str] | None = None, **variables: Any
    ) -> dict[str, Any]:
        """The extensions of the first error of a query that is expected to fail."""
        answer = await self.ask(query, variables, **(headers or {}))
        extensions: dict[str, Any] = answer["errors"][0]["extensions"]
        return extensions

    async def make(self, name: str = "A key", **fields: Any) -> Any:
        """A created key as its payload."""
        return await self.get(MAKE, input={"name": name, **fields})


@asynccontextmanager
async def speaker(folder: Path, **settings: str) -> AsyncIterator[Speaker]:
    """Start Keywright on a new database, with nothing written on a schedule; `settings` are further ones."""
    variables = {
        "KEYWRIGHT_DATA": str(folder / "data"),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT.encode()).hexdigest(),
        "KEYWRIGHT_ADMIN_PASSWORD": "a-password-of-the-graphql-tests",
        "KEYWRIGHT_USAGE_FLUSH_SECONDS": "3600",
        "KEYWRIGHT_SWEEP_INTERVAL_SECONDS": "86400",
        **{f"KEYWRIGHT_{name.upper()}": value for name, value in settings.items()},
    }
    app = build(load({}, variables, folder))
    await app.start()
    try:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://keywright.test") as client:
            yield Speaker(app, client)
    finally:
        await app.stop()


@pytest.fixture
async def root(tmp_path: Path) -> AsyncIterator[Speaker]:
    """The holder of the root key of a new installation."""
    async with speaker(tmp_path) as one:
        yield one


@pytest.fixture
async def blog(root: Speaker) -> Speaker:
    """The holder of an administrator's key in a tenant of its own."""
    await root.get(TENANT, input={"slug": "blog"})
    made = await root.make("Administrator", tenant="blog")
    return root.as_(made["token"])


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Speaker]:
    """The same for tests that leave nothing behind: one installation for all of a file's."""
    async with speaker(tmp_path_factory.mktemp("shared")) as one:
        yield one


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    return build_schema()


@pytest.fixture
def documents(schema: GraphQLSchema) -> Documents:
    return Documents(schema)
