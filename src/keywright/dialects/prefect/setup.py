"""What is set up for Prefect's clients: a tenant, and a service account's key for its command line and agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.dialects.prefect.mapping import uuid_of
from keywright.web.setups import Setup

if TYPE_CHECKING:
    from keywright.web.setups import SetUp


def lines(made: SetUp) -> str:
    """A `config.toml` that serves every version of the client."""
    return f"""\
# ~/.prefect/config.toml
backend = "cloud"

[cloud]
api = "{made.url}"
api_key = "{made.token}"
tenant_id = "{uuid_of(made.tenant_id)}"

[cloud.agent]
auth_token = "{made.token}"  # the same key, for agents of Prefect 0.15 and older
"""


SETUP = Setup(noun="tenant", key_name="prefect", lines=lines)
