"""Files that a command writes for a person: they appear only when they are whole."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from keywright.cli.exits import Exit, Failed

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def opened(path: str | None) -> Iterator[IO[str] | None]:
    """A file that takes its place when all is written, or None for standard output. Raises `Failed`."""
    if path is None:
        yield None
        return
    place = Path(path)
    try:
        number, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    except OSError as error:
        raise Failed(f"The file cannot be written: {error.strerror}.", Exit.USAGE) from None
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as out:
            yield out
        Path(name).replace(place)
    except OSError as error:
        raise Failed(f"The file cannot be written: {error.strerror}.", Exit.USAGE) from None
    finally:
        with suppress(OSError):
            Path(name).unlink()
