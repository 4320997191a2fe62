"""The project file, `.keywright.toml`: which server, tenant and profile the commands in a folder ask.

It may come with a repository of somebody else's, so what stands in it chooses among what is the user's own already.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keywright.cli import own_files
from keywright.cli.common import in_environment
from keywright.cli.config import normal
from keywright.cli.exits import Exit, Failed
from keywright.cli.text import printable
from keywright.client import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = ".keywright.toml"
VARIABLE: Final = "KEYWRIGHT_PROJECT_FILE"
_OFF: Final = f"Set {VARIABLE}=off to leave project files out."
_NAMES: Final = ("url", "tenant", "profile", "key")


@dataclass(frozen=True, slots=True)
class Project:
    """What a project file says, and where it is."""

    path: Path
    url: str | None = None
    tenant: str | None = None
    profile: str | None = None
    key: Token | None = None


def find_project() -> Project | None:
    """The nearest project file from the working folder upwards, or None. Raises `Failed` for one that is not used.

    The home folder and the root are the last that are looked into.
    """
    wanted = in_environment(VARIABLE)
    if wanted is not None:
        if wanted != "off":
            raise Failed(f"{VARIABLE} is off, or not set.", Exit.USAGE)
        return None
    for folder in _folders():
        file = own_files.read(folder / NAME)
        if file is not None:
            return _project(file)
    return None


def _folders() -> Iterator[Path]:
    """The working folder and those above it; none where it is gone."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return
    try:
        home: Path | None = Path.home().resolve()
    except RuntimeError:
        home = None
    for folder in (here, *here.parents):
        yield folder
        if folder == home:
            return


def _project(file: own_files.OwnFile) -> Project:
    # In a folder that many can write to, whoever is quickest could choose for all others.
    if file.owner not in {os.geteuid(), 0}:
        raise Failed(
            f"{printable(str(file.path))} belongs to another user, so it is not used.", Exit.USAGE, _OFF
        )
    file.keep_from_everybody()
    table = file.toml()
    own_files.require_known(file, table, _NAMES)
    url, tenant, profile, key = (own_files.text_of(file, table, name) for name in _NAMES)
    if key is not None:
        file.keep_to_its_owner()
        if url is None and profile is None:
            raise file.wrong(
                "it holds a key and says not for which server", "Write the server's url beside the key."
            )
    return Project(
        file.path,
        None if url is None else normal(file, url),
        tenant,
        profile,
        None if key is None else Token(key),
    )
