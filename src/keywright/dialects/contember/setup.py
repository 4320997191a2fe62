"""What the clients of the tenant API need: a project, and a key of an administrator of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.web.setups import Setup

if TYPE_CHECKING:
    from keywright.web.setups import SetUp


def _lines(made: SetUp) -> str:
    """The variables of Contember's own tools, and the call that shows whether all is well."""
    return "\n".join(
        (
            f"CONTEMBER_API_URL={made.url}",
            f"CONTEMBER_API_TOKEN={made.token}",
            f"CONTEMBER_PROJECT_NAME={made.tenant}",
        )
    )


SETUP: Final = Setup(noun="project", key_name="Contember", lines=_lines)
