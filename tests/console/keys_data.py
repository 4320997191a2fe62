"""A blog with articles in languages, people, service accounts and keys that were used, for the pages of keys."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.support.keywright import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.keywright import Keywright

LANGUAGES = {"cs": "Czech", "en": "English", "de": "German", "pl": "Polish"}
CATALOG: dict[str, Any] = {
    "actions": [
        {"name": "article:read", "group": "Articles", "description": "Read articles"},
        {"name": "article:publish", "group": "Articles", "description": "Publish an article"},
        {"name": "article:delete", "group": "Articles", "description": "Delete an article"},
        {"name": "comment:read", "group": "Comments", "description": "Read comments"},
        {"name": "comment:hide", "group": "Comments", "description": "Hide a comment"},
        {"name": "deploy:start", "group": "Deployments", "description": "Start a deployment"},
    ],
    "resource_types": [{"name": "article", "segments": ["language", "id"]}, {"name": "comment"}],
    "entities": {"language": [{"id": code, "label": label} for code, label in LANGUAGES.items()]},
    "roles": {
        "editor": {
            "variables": {"language": {"entity": "language"}},
            "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
        },
        "moderator": {"policies": [{"actions": ["comment:*"]}]},
    },
}


@dataclass(frozen=True, slots=True)
class Blog:
    """The tenant, and what is in it; answers of the REST door."""

    slug: str
    tenant: Any
    indexer: Any
    robot: Any
    key: Any
    token: str

    @property
    def page(self) -> str:
        """The page of the key."""
        return f"/t/{self.slug}/keys/{self.key['id']}"


def blog(keywright: Keywright, slug: str = "my-blog") -> Blog:
    """A tenant with a key `Nightly export` that may do less than its owner, and was used and refused."""
    tenant = keywright.tenant(slug, CATALOG)
    indexer = account(keywright, slug, "search-indexer", ("editor", ["cs", "en"]), ("moderator", None))
    robot = account(keywright, slug, "translation-robot", ("editor", ["de"]))
    made = keywright.key(
        slug,
        name="Nightly export",
        description="Writes the articles of the day into the archive.\nAsk Jana about it.",
        handle="nightly_export",
        identity_id=indexer["id"],
        scope=[
            {"actions": ["article:read"], "resources": ["article:cs:**", "article:en:**"]},
            {"actions": ["article:publish"], "resources": ["article:cs:**"]},
            {"actions": ["comment:read"]},
        ],
        limits=[{"name": "burst", "limit": 1000, "window_seconds": 1}],
        credits={"remaining": 100_000, "refill": {"amount": 100_000, "every": "day"}},
        metadata={"team": "search", "oncall": "jana"},
    )
    return Blog(slug, tenant, indexer, robot, made["key"], made["token"])


def account(keywright: Keywright, slug: str, name: str, *roles: tuple[str, list[str] | None]) -> Any:
    """A service account with roles."""
    given = [
        {"role": role} | ({} if values is None else {"variables": {"language": values}})
        for role, values in roles
    ]
    return keywright.rest("POST", "/v1/service-accounts", {"name": name, "memberships": given}, tenant=slug)


def a_key(keywright: Keywright, one: Blog, **fields: Any) -> Any:
    """Another key of the service account."""
    wanted = {"name": "Another", "identity_id": one.indexer["id"], **fields}
    return keywright.key(one.slug, **wanted)["key"]


def use(keywright: Keywright, token: str, times: int = 1, **question: Any) -> str:
    """Ask for a decision several times, and give the last code."""
    questions = [{"token": token, **question}] * times
    found = keywright.rest("POST", "/v1/verify/batch", {"items": questions})
    code: str = found["items"][-1]["code"]
    return code


@dataclass(frozen=True, slots=True)
class Past:
    """The database of a server, for what cannot be waited for: uses that were long ago."""

    path: Path

    def used(self, key: Any, tenant_id: str, hours_ago: int, counts: Mapping[str, int]) -> None:
        """Have a key used some hours ago."""
        hour = int(time.time() - hours_ago * 3600) // 3600 * 3_600_000_000
        rows = [(key["id"], hour, code, tenant_id, count) for code, count in counts.items()]
        sql = "INSERT INTO usage (key_id, hour, code, tenant_id, count) VALUES (?, ?, ?, ?, ?)"
        self._run(lambda database: database.executemany(sql, rows))

    def exercised(self, key: Any, tenant_id: str, action: str, count: int, minutes_ago: int) -> None:
        """Have a key been allowed an action."""
        at = int((time.time() - minutes_ago * 60) * 1_000_000)
        sql = "INSERT INTO exercised (key_id, action, tenant_id, count, last_at) VALUES (?, ?, ?, ?, ?)"
        self._run(lambda database: database.execute(sql, (key["id"], action, tenant_id, count, at)))
        moved = "UPDATE api_key SET last_used_at = max(last_used_at, ?), last_used_ip = ? WHERE id = ?"
        self._run(lambda database: database.execute(moved, (at, "10.0.4.17", key["id"])))

    def aged(self, key: Any, **fields: int) -> None:
        """Have moments of a key been some days ago (or, below zero, some days ahead)."""
        for name, days in fields.items():
            at = int((time.time() - days * 86_400) * 1_000_000)
            sql = f"UPDATE api_key SET {name} = ? WHERE id = ?"
            self._run(lambda database, at=at, sql=sql: database.execute(sql, (at, key["id"])))

    def _run(self, work: Any) -> None:
        with closing(sqlite3.connect(self.path, timeout=30)) as database, database:
            work(database)


@contextmanager
def served_with_past() -> Iterator[tuple[Keywright, Past]]:
    """A server whose database can be reached, and which writes usage down at once."""
    with (
        TemporaryDirectory(prefix="keywright-past-") as folder,
        served(KEYWRIGHT_DATA=folder, KEYWRIGHT_USAGE_FLUSH_SECONDS="0.1") as running,
    ):
        yield running, Past(Path(folder) / "keywright.db")


def busy(past: Past, one: Blog) -> None:
    """Three days of uses of the blog's key, more by day than by night."""
    tenant_id = one.tenant["id"]
    for hours in range(1, 72):
        daily = 300 + abs(12 - hours % 24) * 55
        refused = {"INSUFFICIENT_PERMISSIONS": 12 + hours % 5} if hours % 4 == 0 else {}
        often = {"RATE_LIMITED": 60} if hours % 17 == 0 else {}
        past.used(one.key, tenant_id, hours, {"VALID": daily, **refused, **often})
    past.exercised(one.key, tenant_id, "article:read", 41_022, 2)
    past.exercised(one.key, tenant_id, "article:publish", 312, 400)
