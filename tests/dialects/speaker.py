"""What each door must be able to say for the one list of scenarios that runs through all of them.

A dialect joins by a file `speaker.py` in its folder here with a class `Speaker`; our own doors are in `own.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.keywright import Keywright


@dataclass(frozen=True, slots=True)
class Made:
    """A key that was made: by what it is named at its door, our own id of it, and its token."""

    name: str
    key_id: str
    token: str = field(repr=False)


class SpeakerBase(ABC):
    """Speaks to one door as somebody who may manage the keys of one tenant.

    Two speakers never share a tenant, save where a door knows one tenant alone: see `tenants`.
    """

    tenants: int = 2
    """How many tenants the door can be used for at a time."""

    def __init__(self, keywright: Keywright, tenant: str) -> None:
        self.keywright = keywright
        self.tenant = tenant

    @abstractmethod
    def prepare(self) -> None:
        """Make the tenant, and whoever speaks in it. Called once, before anything else."""

    @abstractmethod
    def make(self, label: str) -> Made:
        """Make a key; `label` is lower-case letters and `_`, and may be used as its name."""

    @abstractmethod
    def accepts(self, token: str) -> bool:
        """Whether the door takes a token as a credential; asserts that a refusal has the door's own form."""

    @abstractmethod
    def listed(self) -> dict[str, str]:
        """The keys that the door lists: by `Made.name`, the text of all that is said of each."""

    @abstractmethod
    def stop(self, made: Made) -> None:
        """Disable or delete a key, whatever the door has for it, on the condition that it went well."""

    @abstractmethod
    def try_to_stop(self, made: Made) -> bool:
        """Try to stop a key that may be another tenant's; whether the door says that it did."""


def speakers() -> dict[str, type[SpeakerBase]]:
    """The speakers that there are, by the name of their door."""
    here = Path(__file__).parent
    own = import_module("tests.dialects.own")
    found: dict[str, type[SpeakerBase]] = {"rest": own.Rest, "graphql": own.GraphQL}
    for path in sorted(here.glob("*/speaker.py")):
        name = path.parent.name
        found[name] = import_module(f"tests.dialects.{name}.speaker").Speaker
    return found
