"""A running Keywright, and what tests make in it through its own REST door."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx2

from tests.support.servers import Process, free_port, minimal_environment, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEYWRIGHT = Path(sys.executable).parent / "keywright"
ROOT = "root-token-of-the-tests"
ADMIN, PASSWORD = "admin", "a-password-of-the-tests"


@dataclass(frozen=True, slots=True)
class Keywright:
    """A server whose root key's token is `ROOT`, and whose user `admin` has the password `PASSWORD`."""

    url: str
    http: httpx2.Client
    process: Process

    def at(self, dialect: str) -> str:
        """The address of a dialect."""
        return f"{self.url}/dialects/{dialect}"

    def rest(
        self, method: str, path: str, body: Any = None, *, token: str = ROOT, tenant: str | None = None
    ) -> Any:
        """Call our own REST door, and give the answer on the condition that the call went well."""
        headers = {"Authorization": f"Bearer {token}"} | (
            {} if tenant is None else {"Keywright-Tenant": tenant}
        )
        answer = self.http.request(method, f"{self.url}{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def tenant(self, slug: str, catalog: Mapping[str, Any] | None = None) -> Any:
        """Make a tenant, with a catalog if one is given."""
        made = self.rest("POST", "/v1/tenants", {"slug": slug})
        if catalog is not None:
            document = {"document": {**catalog, "tenant": slug}}
            self.rest("PUT", "/v1/catalog", document, tenant=slug)
        return made

    def person(self, login: str, tenant: str | None = None, role: str = "admin", **fields: Any) -> Any:
        """Make somebody with the password `PASSWORD`, and a role in a tenant if one is named."""
        email = f"{login}@example.com"
        wanted = {"login": login, "name": login.title(), "email": email, "password": PASSWORD, **fields}
        made = self.rest("POST", "/v1/users", wanted)
        if tenant is not None:
            given = {"identity_id": made["id"], "role": role}
            self.rest("POST", "/v1/memberships", given, tenant=tenant)
        return made

    def key(self, tenant: str | None, *roles: str, **fields: Any) -> Any:
        """Make a key in a tenant (None: a global one) with roles of its own; its token is in `token`."""
        wanted: dict[str, Any] = {"name": "A key", **fields}
        if roles:
            wanted["memberships"] = [{"role": role} for role in roles]
        return self.rest("POST", "/v1/keys", wanted, tenant=tenant or "*")

    def session(self, login: str = ADMIN) -> str:
        """Log somebody in, and give the session's token."""
        token: str = self.rest("POST", "/v1/sessions", {"login": login, "password": PASSWORD})["token"]
        return token

    def verdict(self, token: str, **question: Any) -> str:
        """The code of the decision about a token, at our own door."""
        code: str = self.rest("POST", "/v1/verify", {"token": token, **question})["code"]
        return code


@contextmanager
def served(*, host: str = "127.0.0.1", **variables: str | None) -> Iterator[Keywright]:
    """A Keywright on a new SQLite database, with these settings beside those that it needs.

    None leaves out a setting that it would be given. It is reached by the name `host`, as its public address has it.
    """
    port = free_port()
    url = f"http://{host}:{port}"
    needed = {
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT.encode()).hexdigest(),
    }
    if host != "127.0.0.1":
        needed["KEYWRIGHT_PUBLIC_URL"] = url
    env = {name: value for name, value in {**needed, **variables}.items() if value is not None}
    argv: list[str | Path] = [KEYWRIGHT, "serve"]
    with (
        running(argv, env=env, ready_url=f"{url}/readyz") as process,
        httpx2.Client(timeout=30, follow_redirects=False) as http,
    ):
        yield Keywright(url, http, process)


def migrate(**variables: str) -> None:
    """Bring a database to this version's schema, as whoever runs several servers on it does once."""
    with TemporaryDirectory() as home:
        env = {**minimal_environment(Path(home)), **variables}
        subprocess.run([KEYWRIGHT, "migrate"], env=env, cwd=home, check=True, capture_output=True)
