"""Contember's tenant API, as far as it is about keys, identities, roles, memberships, projects and sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.dialects.contember.door import ContemberDoor
from keywright.dialects.contember.errors import refuse
from keywright.dialects.contember.setup import SETUP
from keywright.web.mounts import Dialect

if TYPE_CHECKING:
    from keywright.services.service import Services

__all__ = ["DIALECT"]


def _door(services: Services, _tenant: str | None) -> ContemberDoor:
    """The door; its calls name their projects, so that a tenant that was chosen for it does not matter."""
    return ContemberDoor(services)


DIALECT: Final = Dialect(name="contember", title="Contember", door=_door, refuse=refuse, setup=SETUP)
