"""The logins that `keywright login` keeps, by the address of the server and the profile.

`credentials.toml` says which there are, `[sessions."http://127.0.0.1:8300"]`, and holds their secrets where there
is no keyring for them. It is of mode 0600 in a folder of mode 0700. It is replaced as a whole, so that a reader
finds the old file or the new one, and never half of one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

from platformdirs import user_config_path

from keywright.cli import own_files
from keywright.cli.config import DEFAULT_PROFILE
from keywright.cli.exits import Exit, Failed
from keywright.cli.vault import Vault
from keywright.client import Token

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = "# Sessions that `keywright login` saved. Whoever reads this file can act as you.\n"


@dataclass(frozen=True, slots=True)
class SavedLogin:
    """A login as it is kept: its secret, whose it is, and when it ends at the latest (RFC 3339), or None.

    `token` is None where the keyring has it. `is_key` tells an API key from a session.
    """

    token: Token | None
    login: str
    expires_at: str | None
    is_key: bool = False


def place_of(url: str, profile: str) -> str:
    """What the login of a profile at a server is kept by; no address of a server has a fragment."""
    return url if profile == DEFAULT_PROFILE else f"{url}#{profile}"


class Credentials:
    """The saved logins. Raises `Failed` when the file is open to others, or is none that we wrote."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_config_path("keywright") / "credentials.toml"

    def entry(self, place: str) -> SavedLogin | None:
        """The login of a place without asking the keyring, or None."""
        return self._read().get(place)

    def servers(self) -> set[str]:
        """The addresses of all servers that there are logins for."""
        return {place.partition("#")[0] for place in self._read()}

    def token(self, place: str) -> Token | None:
        """The secret of a place, from the file or the keyring; None where it cannot be had."""
        entry = self.entry(place)
        if entry is None or entry.token is not None:
            return None if entry is None else entry.token
        return Vault().get(place)

    def put(self, place: str, login: SavedLogin) -> None:
        """Keep a login, whose token is given: in the keyring where there is one, else in the file."""
        assert login.token is not None  # noqa: S101 - a login that was just made has its secret
        vault = Vault()
        hidden = vault.put(place, login.token)
        kept = SavedLogin(None, login.login, login.expires_at, login.is_key) if hidden else login
        try:
            before = self._change(place, kept)
        except Failed:
            if hidden:
                vault.remove(place)
            raise
        if before is not None and before.token is None and not hidden and vault.why_not is None:
            vault.remove(place)

    def remove(self, place: str) -> None:
        """Forget the login of a place."""
        before = self._change(place, None)
        if before is not None and before.token is None:
            Vault().remove(place)

    def _change(self, place: str, login: SavedLogin | None) -> SavedLogin | None:
        with own_files.changing(self.path):
            logins = self._read()
            before = logins.pop(place, None)
            if login is not None:
                logins[place] = login
            if before is not None or login is not None:
                own_files.replace(self.path, _written(logins))
        return before

    def _read(self) -> dict[str, SavedLogin]:
        file = own_files.read(self.path)
        if file is None:
            return {}
        file.keep_to_its_owner()
        try:
            return _logins(file.toml())
        except (Failed, KeyError, TypeError, AttributeError):
            raise Failed(
                f"{self.path} is not a file that `keywright login` wrote.",
                Exit.USAGE,
                f"Remove it with `rm {quote(str(self.path))}`, and log in again.",
            ) from None


def _logins(content: dict[str, Any]) -> dict[str, SavedLogin]:
    return {
        place: SavedLogin(
            None if kept.get("keyring") is True else Token(kept["token"]),
            kept["login"],
            kept.get("expires_at"),
            kept.get("kind") == "key",
        )
        for place, kept in content.get("sessions", {}).items()
    }


def _written(logins: dict[str, SavedLogin]) -> str:
    parts = [_HEAD]
    for place, kept in sorted(logins.items()):
        parts.append(f"\n[sessions.{_quoted(place)}]\n")
        parts.append(
            "keyring = true\n" if kept.token is None else f"token = {_quoted(kept.token.reveal())}\n"
        )
        parts.append(f"login = {_quoted(kept.login)}\n")
        if kept.expires_at is not None:
            parts.append(f"expires_at = {_quoted(kept.expires_at)}\n")
        if kept.is_key:
            parts.append('kind = "key"\n')
    return "".join(parts)


def _quoted(text: str) -> str:
    """A basic string of TOML: as in JSON, and with DEL escaped too."""
    return re.sub("\x7f", r"\\u007f", json.dumps(text, ensure_ascii=False))
