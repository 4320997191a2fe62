"""Skylark's permissions as actions, and back."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from keywright.core.permissions import Policy
    from keywright.services.keys import PolicyInput

KEY_MANAGEMENT: Final = "KEY_MANAGEMENT"

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ACCOUNT_SETUP": ("skylark:account_setup",),
        "IGNORE_AVAILABILITY": ("skylark:ignore_availability",),
        KEY_MANAGEMENT: ("keys:create", "keys:delete", "keys:read", "keys:update"),
        "READ": ("skylark:read",),
        "SELF_CONFIG": ("skylark:self_config",),
        "TIME_TRAVEL": ("skylark:time_travel",),
        "WRITE": ("skylark:write",),
    }
)
"""The actions that each permission stands for, on every resource. A key has a permission when it may do all of them."""

EVERY_ACTION: Final = tuple(action for actions in ACTIONS.values() for action in actions)

ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "READ_ONLY": ("READ",),
        "READ_WRITE": ("READ", "WRITE"),
        "EDITOR": ("READ", "WRITE", "IGNORE_AVAILABILITY", "TIME_TRAVEL"),
        "ADMIN": ("READ", "WRITE", "IGNORE_AVAILABILITY", "TIME_TRAVEL", "SELF_CONFIG", "ACCOUNT_SETUP"),
    }
)
"""The roles that an account has from the start, each with all that the one before it has."""


def scope_of(permissions: Iterable[str]) -> tuple[PolicyInput, ...]:
    """The scope of a key with these permissions: one policy each, so that a refusal tells which of them it is about."""
    wanted = frozenset(permissions)
    return tuple((actions, None) for name, actions in ACTIONS.items() if name in wanted)


def permissions_of(allowed: Collection[str]) -> tuple[str, ...]:
    """The permissions of who may do these actions."""
    return held(allowed.__contains__)


def held(may: Callable[[str], bool]) -> tuple[str, ...]:
    """The permissions of somebody of whom `may` says whether it may do an action."""
    return tuple(name for name, actions in ACTIONS.items() if all(map(may, actions)))


def permission_of(policy: Policy) -> str | None:
    """The permission that a policy of `scope_of` gives, None for any other policy."""
    actions = tuple(one.text for one in policy.actions)
    return next((name for name, found in ACTIONS.items() if found == actions), None)


def role_of(permissions: Collection[str]) -> str | None:
    """The widest of the default roles of which somebody has all permissions; None for none of them."""
    return next(
        (name for name, needed in reversed(tuple(ROLES.items())) if set(needed) <= set(permissions)), None
    )
