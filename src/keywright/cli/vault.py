"""The operating system's keyring, where there is one: it keeps the secrets of logins.

No call of it makes a command hang or fail. What it cannot do is told in a line on standard error.
"""

from __future__ import annotations

import contextlib
import threading
from hmac import compare_digest
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli.common import in_environment
from keywright.cli.config import read_config
from keywright.cli.exits import Exit, Failed
from keywright.client import Token

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE: Final = "KEYWRIGHT_KEYRING"
_SERVICE: Final = "keywright"
_SECONDS: Final = 20.0
"""How long it is waited for: long enough for a person to type the password that opens it."""
_REAL: Final = 1
"""The least priority of a backend that the library recommends; those below it keep nothing, or write plain files."""


class _Forgotten(Exception):
    """A secret that was taken is not there."""

    def __str__(self) -> str:
        return "it does not keep it"


class Vault:
    """The keyring. `why_not` says why it is not used, and is None where it is."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._backend: Any = None
        self.why_not = self._find()

    def get(self, place: str) -> Token | None:
        """The secret of a place, or None where there is none, or it cannot be had."""
        found = self._told("read", lambda: self._backend.get_password(_SERVICE, place))
        return Token(found) if isinstance(found, str) and found else None

    def put(self, place: str, secret: Token) -> bool:
        """Keep a secret. Tells whether it is kept: that it can be read again was tried."""
        text = secret.reveal()

        def keep() -> None:
            self._backend.set_password(_SERVICE, place, text)
            kept = self._backend.get_password(_SERVICE, place) or ""
            if not compare_digest(kept.encode(), text.encode()):
                raise _Forgotten

        if self.why_not is None:
            self._told("write", keep)
        return self.why_not is None

    def remove(self, place: str) -> None:
        """Forget the secret of a place."""
        self._told("change", lambda: self._backend.delete_password(_SERVICE, place))

    def _find(self) -> str | None:
        if not _wanted():
            return f"turned off by {VARIABLE} or in config.toml"
        if find_spec("keyring") is None:
            return "keywright[keyring] is not installed"
        found, problem = _answer(_real_one, self._seconds)
        if problem is not None:
            return f"looking for it failed ({problem})"
        self._backend = found
        return "the system has none" if found is None else None

    def _told(self, what: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the call gives
        """What a call gives, or None after a line on standard error where it fails or takes too long."""
        if self.why_not is None:
            found, self.why_not = _answer(call, self._seconds)
            if self.why_not is None:
                return found
        click.echo(f"The keyring could not {what} the login: {self.why_not}.", err=True)
        return None


def _wanted() -> bool:
    said = in_environment(VARIABLE)
    if said not in {None, "on", "off"}:
        raise Failed(f"{VARIABLE} is on or off.", Exit.USAGE)
    return read_config().keyring if said is None else said == "on"


def _real_one() -> Any:  # noqa: ANN401 - backends share no type that is imported late
    """The system's backend when it really keeps secrets; of one that tries others in turn, the first that does.

    None for those that fail, keep nothing, or write plain files.
    """
    import keyring  # noqa: PLC0415 - it takes long to load, need not be installed, and looks for backends

    backend = keyring.get_keyring()
    for one in getattr(backend, "backends", None) or [backend]:
        with contextlib.suppress(RuntimeError):  # how a backend says that it cannot run here
            if one.priority >= _REAL:
                return one
    return None


def _answer(call: Callable[[], Any], seconds: float) -> tuple[Any, str | None]:
    """What a call gives, or why it gave nothing. One that does not return in time is left to end with the process."""
    done: list[tuple[Any, str | None]] = []

    def run() -> None:
        try:
            done.append((call(), None))
        except Exception as error:  # noqa: BLE001 - a backend raises what it likes
            # What else an error says may hold what the backend was given.
            done.append((None, str(error) if isinstance(error, _Forgotten) else type(error).__name__))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return done[0] if done else (None, f"it did not answer within {seconds:g} seconds")
