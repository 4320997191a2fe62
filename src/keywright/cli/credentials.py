"""The file in which `keywright login` keeps sessions, by the address of the server.

It is TOML, `[sessions."http://127.0.0.1:8300"]`, of mode 0600 in a folder of mode 0700. It is replaced as a
whole, so that a reader finds the old file or the new one, and never half of one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

from platformdirs import user_config_path

from keywright.cli.exits import Exit, Failed
from keywright.client import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD: Final = "# Sessions that `keywright login` saved. Whoever reads this file can act as you.\n"
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A login as it is kept: the session's token, whose it is, and when it ends at the latest (RFC 3339)."""

    token: Token
    login: str
    expires_at: str


class Credentials:
    """The saved sessions. Raises `Failed` when the file is open to others, or is none that we wrote."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_config_path("keywright") / "credentials.toml"

    def get(self, url: str) -> SavedSession | None:
        """The session for a server, or None."""
        return self._read().get(url)

    def put(self, url: str, session: SavedSession) -> SavedSession | None:
        """Keep a session, and give the one that it replaces."""
        return self._change(url, session)

    def remove(self, url: str) -> SavedSession | None:
        """Forget the session for a server, and give what was forgotten."""
        return self._change(url, None)

    def _change(self, url: str, session: SavedSession | None) -> SavedSession | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self.path.parent):
                sessions = self._read()
                before = sessions.pop(url, None)
                if session is not None:
                    sessions[url] = session
                if before is not None or session is not None:
                    _replace(self.path, _written(sessions))
        except OSError as error:
            raise Failed(f"{self.path} cannot be written: {error.strerror}.", Exit.USAGE) from None
        return before

    def _read(self) -> dict[str, SavedSession]:
        try:
            with self.path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                if mode & _FOR_OTHERS:
                    raise Failed(
                        f"{self.path} can be read or changed by others (mode {mode:04o}), so it is not used.",
                        Exit.USAGE,
                        f"Mend it with `chmod 600 {quote(str(self.path))}`, and log in again if others had access.",
                    )
                return _sessions(tomllib.loads(file.read().decode()))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Failed(f"{self.path} cannot be read: {error.strerror}.", Exit.USAGE) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Failed(
                f"{self.path} is not a file that `keywright login` wrote.",
                Exit.USAGE,
                f"Remove it with `rm {quote(str(self.path))}`, and log in again.",
            ) from None


def _sessions(content: dict[str, Any]) -> dict[str, SavedSession]:
    return {
        url: SavedSession(Token(kept["token"]), kept["login"], kept["expires_at"])
        for url, kept in content.get("sessions", {}).items()
    }


def _written(sessions: dict[str, SavedSession]) -> str:
    parts = [_HEAD]
    for url, kept in sorted(sessions.items()):
        parts.append(
            f"\n[sessions.{_quoted(url)}]\n"
            f"token = {_quoted(kept.token.reveal())}\n"
            f"login = {_quoted(kept.login)}\n"
            f"expires_at = {_quoted(kept.expires_at)}\n"
        )
    return "".join(parts)


def _quoted(text: str) -> str:
    """A basic string of TOML: as in JSON, and with DEL escaped too."""
    return re.sub("\x7f", r"\\u007f", json.dumps(text, ensure_ascii=False))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other commands from changing files in a folder for as long as the block."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _replace(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or none."""
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
