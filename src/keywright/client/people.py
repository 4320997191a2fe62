"""Who shows a key, in the form in which frameworks look for a user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from keywright.client.verdict import Verdict


@dataclass(slots=True, unsafe_hash=True)
class KeyUser:
    """Whoever a key speaks for: a user of Starlette, Litestar, Django and Django REST framework.

    It stands in no table of the application and holds none of its permissions: what it may do, its key's verdict says.
    """

    verdict: Verdict
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_active: ClassVar[bool] = True
    is_staff: ClassVar[bool] = False
    is_superuser: ClassVar[bool] = False

    @property
    def identity(self) -> str:
        """The identity's id."""
        return "" if self.verdict.identity is None else self.verdict.identity.id

    @property
    def pk(self) -> str:
        """The identity's id."""
        return self.identity

    id = pk

    @property
    def display_name(self) -> str:
        """The identity's name."""
        return "" if self.verdict.identity is None else self.verdict.identity.name

    @property
    def username(self) -> str:
        """The identity's name."""
        return self.display_name

    def get_username(self) -> str:
        """The identity's name."""
        return self.display_name

    def has_perm(self, _permission: str, _thing: object = None) -> bool:
        """Nothing of Django's own."""
        return False

    def has_perms(self, permissions: object, _thing: object = None) -> bool:
        """Nothing of Django's own."""
        return not permissions

    def has_module_perms(self, _label: str) -> bool:
        """Nothing of Django's own."""
        return False

    def __str__(self) -> str:
        return self.display_name


@dataclass(slots=True, unsafe_hash=True)
class Grants:
    """What Starlette calls credentials: `scopes` are what was asked for and allowed."""

    verdict: Verdict
    action: str | None

    @property
    def scopes(self) -> list[str]:
        """`authenticated`, and the action that was allowed."""
        return ["authenticated"] if self.action is None else ["authenticated", self.action]


class Admitted(NamedTuple):
    """Whoever was let in, as an application is told of it. Requests that ask the same may share one."""

    verdict: Verdict
    user: KeyUser
    grants: Grants


def admitted(verdict: Verdict, action: str | None) -> Admitted:
    """What an application is told of a key that is valid and may do something."""
    return Admitted(verdict, KeyUser(verdict), Grants(verdict, action))
