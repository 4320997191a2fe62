"""What is set up before a client can be pointed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.web.setups import Setup

if TYPE_CHECKING:
    from keywright.web.setups import SetUp


def lines(made: SetUp) -> str:
    """The configuration of clients: addresses, and the key in the place of a login token."""
    serve = f"KEYWRIGHT_DIALECTS=cloudtower={made.tenant} keywright serve"
    note = (
        "" if made.tenant == "default" else f"# Answered for this tenant by a server started with: {serve}\n"
    )
    return (
        f"{note}"
        f"CLOUDTOWER_GRAPHQL={made.url}/api\n"
        f"CLOUDTOWER_HOST={made.url}/v2/api\n"
        f"CLOUDTOWER_TOKEN={made.token}\n"
        "# Python, cloudtower-sdk:\n"
        f'#   configuration = Configuration(host="{made.url}/v2/api")\n'
        '#   configuration.api_key["Authorization"] = os.environ["CLOUDTOWER_TOKEN"]'
    )


SETUP: Final = Setup(noun="installation", key_name="CloudTower client", lines=lines)
