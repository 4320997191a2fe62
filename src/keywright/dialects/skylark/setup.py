"""What an account of Skylark has from the start, and what its clients are configured with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.dialects.skylark.permissions import ACTIONS, KEY_MANAGEMENT, ROLES, scope_of
from keywright.web.setups import Setup

if TYPE_CHECKING:
    from keywright.web.setups import SetUp

_DESCRIPTIONS: Final = {
    "ACCOUNT_SETUP": "Set up the account and its playback.",
    "IGNORE_AVAILABILITY": "See objects that are not available; with READ.",
    "READ": "All queries, except those about the data model.",
    "SELF_CONFIG": "Change the data model.",
    "TIME_TRAVEL": "See what will be available at another time; with READ.",
    "WRITE": "All mutations, except those of the data model.",
}
ROLE_PREFIX: Final = "skylark_"
"""Before the names of roles, since `admin` and `read_only` are Keywright's own."""

CATALOG: Final[dict[str, Any]] = {
    "actions": [
        {"name": ACTIONS[name][0], "group": "Skylark", "description": f"{name}: {text}"}
        for name, text in _DESCRIPTIONS.items()
    ],
    "roles": {
        f"{ROLE_PREFIX}{name.lower()}": {
            "description": f"Skylark's default role {name}: {', '.join(permissions)}.",
            "policies": [{"actions": [ACTIONS[one][0] for one in permissions]}],
        }
        for name, permissions in ROLES.items()
    },
}


def lines(made: SetUp) -> str:
    """The two settings that every client of Skylark has, by the names that its reference apps give them."""
    return f"SAAS_API_ENDPOINT={made.url}/graphql\nSAAS_API_KEY={made.token}\n"


SETUP: Final = Setup(
    noun="account",
    key_name=f"Skylark {KEY_MANAGEMENT}",
    lines=lines,
    catalog=CATALOG,
    scope=scope_of(ACTIONS),
)
