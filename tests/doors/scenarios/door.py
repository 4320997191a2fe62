"""What every door must be able to do: the operations of the scenarios, in the words of REST."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.cases import use_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor


class Refused(Exception):
    """A door's refusal: the stable code, whatever form the door gives it, and the policy that is not held, in words."""

    def __init__(self, code: str, not_held: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.not_held = not_held


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
        self.wait = True
        self.receipt: dict[str, Any] | None = None

    def do(self, name: str, /, **fields: Any) -> Any:
        """Do what a use case does, of those in `operations`; answers in the shape of REST, without the receipt.

        That is kept as `receipt`, and is there for each use case that touches what nodes remember.
        """
        self.receipt = None
        answer = self.through(operation(name), fields)
        use = use_cases().get(name)
        assert (self.receipt is not None) is (use is not None and use.touches)
        return answer

    @abstractmethod
    def through(self, what: Operation, fields: dict[str, Any]) -> Any:
        """Do it in this door's way."""

    @contextmanager
    def not_waiting(self) -> Iterator[None]:
        """For changes that are not waited for."""
        self.wait = False
        try:
            yield
        finally:
            self.wait = True

    def keep_receipt(self, answer: Any) -> Any:
        """The answer without its receipt, which is kept; of several the last one."""
        for one in answer.get("items", [answer]) if isinstance(answer, dict) else []:
            if isinstance(one, dict) and "receipt" in one:
                self.receipt = one.pop("receipt")
                assert self.receipt is not None
                assert self.receipt["complete"] is (self.receipt["effective_by"] is None)
                assert self.receipt["complete"] or not self.wait
        return None if answer == {} else answer

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


@dataclass(frozen=True, slots=True)
class Operation:
    """How one use case is done through each door: the door and the fields in, the answer in the shape of REST out.

    Every door refuses by raising `Refused` with the stable code, which `call` and `run` of the doors do.
    """

    rest: Callable[[RestDoor, dict[str, Any]], Any]
    graphql: Callable[[GraphqlDoor, dict[str, Any]], Any]
    cli: Callable[[CliDoor, dict[str, Any]], Any]


def operation(name: str) -> Operation:
    """The operation of a use case."""
    return more_operations()[name]


@cache
def more_operations() -> dict[str, Operation]:
    """The operations of `operations/<noun>.py`, by use case."""
    found: dict[str, Operation] = {}
    for path in sorted((Path(__file__).parent / "operations").glob("[a-z]*.py")):
        found |= importlib.import_module(f"tests.doors.scenarios.operations.{path.stem}").OPERATIONS
    return found
