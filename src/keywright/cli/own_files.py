"""The files of the person at the command line: read strictly, and replaced as a whole.

A file is refused where others could have read a secret in it, or could have written what stands there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

from keywright.cli.exits import Exit, Failed
from keywright.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LARGEST: Final = 1_048_576


@dataclass(frozen=True, slots=True, repr=False)
class OwnFile:
    """A file as it was read: what is in it, its mode, and whose it is."""

    path: Path
    content: bytes
    mode: int
    owner: int

    @property
    def text(self) -> str:
        """Its text. Raises `Failed` where it is none."""
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise self.wrong("it is not UTF-8") from None

    def toml(self) -> dict[str, Any]:
        """What stands in it. Raises `Failed`, which names the line and repeats nothing of it."""
        import tomllib  # noqa: PLC0415 - it takes long to load, and most have no such file

        text = self.text
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            place = str(error).rpartition("(")[2].rstrip(")") if str(error).endswith(")") else "too deep"
            raise self.wrong(f"it is not TOML ({place})") from None

    def wrong(self, reason: str, hint: str | None = None) -> Failed:
        """What to raise for a file that cannot be used."""
        return Failed(f"{printable(str(self.path))} cannot be used: {printable(reason)}.", Exit.USAGE, hint)

    def keep_to_its_owner(self) -> None:
        """Raise `Failed` when others can read or change it."""
        if self.mode & _FOR_OTHERS:
            raise Failed(
                f"{printable(str(self.path))} can be read or changed by others (mode {self.mode:04o}), "
                "so it is not used.",
                Exit.USAGE,
                f"Mend it with `chmod 600 {quote(str(self.path))}`, and log in again if others had access.",
            )

    def keep_from_everybody(self) -> None:
        """Raise `Failed` when everybody can change it."""
        if self.mode & stat.S_IWOTH:
            raise Failed(
                f"{printable(str(self.path))} can be changed by others (mode {self.mode:04o}), so it is not used.",
                Exit.USAGE,
                f"Mend it with `chmod o-w {quote(str(self.path))}`.",
            )


def read(path: Path) -> OwnFile | None:
    """Read a file, or give None where there is none. Raises `Failed` for what is no file that can be read."""
    try:
        # A pipe in the place of the file must not have the command wait for somebody to write to it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise Failed(f"{printable(str(path))} is not a file.", Exit.USAGE)
            content = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Failed(f"{printable(str(path))} cannot be read: {error.strerror}.", Exit.USAGE) from None
    if len(content) > _LARGEST:
        raise Failed(f"{printable(str(path))} is too large.", Exit.USAGE)
    return OwnFile(path, content, stat.S_IMODE(found.st_mode), found.st_uid)


def require_known(file: OwnFile, found: Collection[str], known: Collection[str], where: str = "") -> None:
    """Raise `Failed` for a name that means nothing, with the nearest one that does."""
    for name in found:
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            hint = (
                f"The nearest known name is {near[0]}." if near else f"Known are {', '.join(sorted(known))}."
            )
            raise file.wrong(f"{where}{name} is no name that it may hold", hint)


def text_of(file: OwnFile, table: dict[str, Any], name: str, where: str = "") -> str | None:
    """A text of a table, or None where it has none. Raises `Failed`, without the value, for what is no text."""
    value = table.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise file.wrong(f"{where}{name} is not a text, or an empty one")
    return value


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """Keep other commands from changing a file for as long as the block. Raises `Failed` where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)
    except OSError as error:
        raise Failed(f"{printable(str(path))} cannot be written: {error.strerror}.", Exit.USAGE) from None


def replace(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or none. Raises `OSError`."""
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
