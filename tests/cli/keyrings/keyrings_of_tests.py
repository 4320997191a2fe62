"""Keyrings for the command in a process of its own; it is told which by PYTHON_KEYRING_BACKEND."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend


class Kept(KeyringBackend):
    """One that keeps secrets, beyond the process's end, in the file that KEYRING_OF_TESTS names."""

    priority = 5

    def _all(self) -> dict[str, str]:
        path = Path(os.environ["KEYRING_OF_TESTS"])
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    def _keep(self, secrets: dict[str, str]) -> None:
        Path(os.environ["KEYRING_OF_TESTS"]).write_text(json.dumps(secrets), "utf-8")

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._keep({**self._all(), f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        secrets = self._all()
        del secrets[f"{service} {username}"]
        self._keep(secrets)


class Failing(Kept):
    """One that is locked, and says so with what it was given."""

    def get_password(self, service: str, username: str) -> str | None:
        raise PermissionError(f"locked: {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PermissionError(f"locked: {password}")

    def delete_password(self, service: str, username: str) -> None:
        raise PermissionError(f"locked: {username}")


class Forgetful(Kept):
    """One that takes a secret and has none."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Hanging(Kept):
    """One that waits for somebody who never comes."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()


class Plain(Kept):
    """One that the library does not recommend, as it writes files that others' programs can read."""

    priority = 0.5


class Broken(Kept):
    """One that cannot run here."""

    @property
    def priority(self) -> float:
        raise RuntimeError("not here")
