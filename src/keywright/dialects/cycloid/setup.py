"""What is made for an organization before its clients can be used, and what goes into their configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.web.setups import Setup

if TYPE_CHECKING:
    from keywright.web.setups import SetUp

_ACTIONS: Final = {
    "Organization": {
        "organization:create": "Make an organization below this one.",
        "organization:read": "See the organization.",
        "organization:update": "Change the organization.",
        "organization:delete": "Delete the organization.",
        "organization:list": "See the list of organizations.",
    },
    "Teams": {
        "organization:team:create": "Make a team.",
        "organization:team:read": "See a team.",
        "organization:team:update": "Change a team.",
        "organization:team:delete": "Delete a team.",
    },
    "Members": {
        "organization:member:create": "Invite somebody.",
        "organization:member:read": "See a member.",
        "organization:member:delete": "Remove a member.",
    },
    "Projects": {
        "organization:project:create": "Make a project.",
        "organization:project:read": "See a project.",
        "organization:project:update": "Change a project.",
        "organization:project:delete": "Delete a project.",
        "organization:pipeline:read": "See a pipeline.",
        "organization:environment:read": "See an environment.",
    },
    "Credentials": {
        "organization:credential:create": "Store a credential.",
        "organization:credential:read": "See a credential.",
        "organization:credential:delete": "Delete a credential.",
    },
    "Roles": {"organization:role:read": "See a role."},
}

CATALOG: Final[dict[str, Any]] = {
    "actions": [
        {"name": name, "group": group, "description": description}
        for group, actions in _ACTIONS.items()
        for name, description in actions.items()
    ]
}
"""The actions of Cycloid that are known in public, so that they can be chosen. It is not strict: others may be used."""


def lines(made: SetUp) -> str:
    """The environment of Cycloid's command line and Terraform provider, which read the same variables."""
    return "\n".join(
        (
            f"export CY_API_URL={made.url}",
            f"export CY_ORG={made.tenant}",
            f"export CY_API_KEY={made.token}",
        )
    )


SETUP: Final = Setup(
    noun="organization",
    key_name="Cycloid",
    key_handle="cycloid",
    lines=lines,
    catalog=CATALOG,
)
