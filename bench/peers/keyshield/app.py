"""FastAPI with keyshield's check, at its fastest: with its cache, and without its delay of 100 to 300 ms an answer."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from aiocache import SimpleMemoryCache
from fastapi import Depends, FastAPI
from keyshield.api import create_depends_api_key
from keyshield.domain.entities import ApiKey  # noqa: TC002 - FastAPI reads the annotation
from keyshield.hasher.argon2 import Argon2ApiKeyHasher
from keyshield.repositories.sql import Base, SqlAlchemyApiKeyRepository
from keyshield.services.cached import CachedApiKeyService
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from sqlite3 import Connection

FOLDER = Path(os.environ["BENCH_FOLDER"])
engine = create_async_engine(f"sqlite+aiosqlite:///{FOLDER / 'keyshield.sqlite'}")
sessions = async_sessionmaker(engine, expire_on_commit=False)
cache = SimpleMemoryCache()
hasher = Argon2ApiKeyHasher(pepper="a pepper of this benchmark")


@event.listens_for(engine.sync_engine, "connect")
def _quick(connection: Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def service_of(session: AsyncSession) -> CachedApiKeyService:
    repository = SqlAlchemyApiKeyRepository(session)
    return CachedApiKeyService(repo=repository, hasher=hasher, cache=cache, min_delay=0, max_delay=0)


async def service() -> AsyncIterator[CachedApiKeyService]:
    async with sessions() as session, session.begin():
        yield service_of(session)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions() as session, session.begin():
        made = [
            await service_of(session).create(name=f"key {number}", scopes=["article:read"])
            for number in range(int(os.environ["BENCH_KEYS"]))
        ]
    (FOLDER / "tokens.json").write_text(json.dumps([token for _, token in made]))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
checked = create_depends_api_key(service, required_scopes=["article:read"])


@app.get("/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@app.get("/check")
async def check(key: Annotated[ApiKey, Depends(checked)]) -> dict[str, object]:
    return {"valid": True, "id": key.id_, "name": key.name, "scopes": key.scopes}
