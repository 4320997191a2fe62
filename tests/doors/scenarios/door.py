"""What every door must be able to do: the operations of the scenarios, in the words of REST."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Refused(Exception):
    """A door's refusal: the stable code, whatever form the door gives it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Made:
    """A created key, its token where there is one, and whether the creation was a replay."""

    key: dict[str, Any]
    token: str | None
    replayed: bool

    @property
    def id(self) -> str:
        return str(self.key["id"])


class Door(ABC):
    """One way in, for the holder of one credential. Keys are dictionaries in the shape of REST."""

    def __init__(self, url: str, token: str, tenant: str | None = None) -> None:
        self.url = url
        self.token = token
        self.tenant = tenant

    @abstractmethod
    def create(self, *, idempotency_key: str | None = None, **fields: Any) -> Made: ...

    @abstractmethod
    def get(self, key_id: str) -> dict[str, Any]: ...

    @abstractmethod
    def list(self, *, page: int = 200, **filters: Any) -> Sequence[dict[str, Any]]: ...

    @abstractmethod
    def update(self, key_id: str, **changes: Any) -> dict[str, Any]: ...

    @abstractmethod
    def delete(self, *key_ids: str) -> None: ...

    @abstractmethod
    def verify(self, token: str, **asked: Any) -> dict[str, Any]: ...

    @abstractmethod
    def whoami(self) -> dict[str, Any]: ...

    @abstractmethod
    def create_tenant(self, slug: str, name: str) -> dict[str, Any]: ...

    @abstractmethod
    def get_tenant(self, slug: str) -> dict[str, Any]: ...

    @abstractmethod
    def tenants(self) -> Sequence[str]: ...


OPERATIONS = {
    "keys.create": "create",
    "keys.get": "get",
    "keys.list": "list",
    "keys.update": "update",
    "keys.delete": "delete",
    "tenants.create": "create_tenant",
    "tenants.get": "get_tenant",
    "tenants.list": "tenants",
    "whoami": "whoami",
}
"""Which operation of a door runs which use case."""
