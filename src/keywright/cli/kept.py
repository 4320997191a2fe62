"""Keeping a login that was just made, and ending one that nobody will use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.cli.choice import Credential
from keywright.cli.connection import open_client
from keywright.cli.credentials import Credentials, SavedLogin
from keywright.cli.exits import Failed
from keywright.client import ClientError

if TYPE_CHECKING:
    from keywright.client import Token


def keep(url: str, place: str, login: SavedLogin) -> None:
    """Keep a login for a place, and end the one that it replaces. Raises `Failed`, and then ends the new one."""
    kept = Credentials()
    try:
        before = kept.entry(place)
        replaced = None if before is None or before.is_key else kept.token(place)
        kept.put(place, login)
    except Failed:
        if not login.is_key and login.token is not None:
            end(url, login.token)
        raise
    if replaced is not None:
        end(url, replaced)


def end(url: str, session: Token) -> bool:
    """End a session; tells whether it ended. Where that does not work, it ends by itself."""
    try:
        with open_client(url, Credential(session, "login")) as client:
            client.log_out()
    except ClientError:
        return False
    return True
