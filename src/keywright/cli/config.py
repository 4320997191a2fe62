"""The user's `config.toml`: profiles, which of them is the default, and whether the keyring is used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from platformdirs import user_config_path

from keywright.cli import own_files
from keywright.cli.exits import Exit, Failed
from keywright.cli.text import printable
from keywright.client import Token, normal_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tomlkit import TOMLDocument

DEFAULT_PROFILE: Final = "default"
"""The profile where none is named. It is there without being written down."""
_TOP: Final = ("default", "keyring", "profiles")
_NAMES: Final = ("url", "tenant", "key")
_PROFILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEAD: Final = "# Profiles of the `keywright` command; docs/cli.md says what may stand here.\n"


@dataclass(frozen=True, slots=True)
class Profile:
    """A server and how to ask it; what is None is found elsewhere."""

    name: str
    url: str | None = None
    tenant: str | None = None
    key: Token | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """What stands in the file. `default` is None where it names no profile."""

    path: Path
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    default: str | None = None
    keyring: bool = True

    def profile(self, name: str, said_by: str) -> Profile:
        """A profile. Raises `Failed` for a name of none, with the nearest one."""
        found = self.profiles.get(name)
        if found is None and name == DEFAULT_PROFILE:
            return Profile(DEFAULT_PROFILE)
        if found is None:
            near = get_close_matches(name, self.profiles, 1, 0.5)
            raise Failed(
                f"{said_by}: there is no profile {printable(name)}.",
                Exit.USAGE,
                f"The nearest known name is {near[0]}."
                if near
                else f"Make it with `keywright login --profile {printable(name)} --url URL`.",
            )
        return found


def config_path() -> Path:
    """Where the file is."""
    return user_config_path("keywright") / "config.toml"


def read_config() -> Config:
    """The user's file, or what holds without one. Raises `Failed` for one that is not used."""
    file = own_files.read(config_path())
    return Config(config_path()) if file is None else _config(file)


def profile_names() -> list[str]:
    """The names of the profiles, sorted; none where the file cannot be used."""
    try:
        return sorted({*read_config().profiles, DEFAULT_PROFILE})
    except Failed:
        return []


def require_profile_name(name: str) -> None:
    """Raise `Failed` for what cannot be the name of a profile."""
    if not _PROFILE_NAME.fullmatch(name):
        raise Failed(
            f"{printable(name)} cannot be a profile's name.",
            Exit.USAGE,
            "It has letters, digits, dots, dashes and underscores, at most 64, and begins with a letter or digit.",
        )


def keep_profile(name: str, *, url: str, tenant: str | None = None) -> bool:
    """Write a profile's server, and its tenant where one is given; tells whether anything changed.

    Raises `Failed` where the profile is for another server: its key would be sent there.
    """
    require_profile_name(name)

    def change(document: TOMLDocument) -> bool:
        import tomlkit  # noqa: PLC0415 - it takes long to load
        from tomlkit.items import InlineTable  # noqa: PLC0415 - as above

        profiles = document.setdefault("profiles", tomlkit.table(is_super_table=True))
        inline = isinstance(profiles, InlineTable)  # which holds no table of another kind
        kept = profiles.setdefault(name, tomlkit.inline_table() if inline else tomlkit.table())
        before = dict(kept)
        if "url" in kept and normal_url(str(kept["url"])) != url:
            raise other_server(name, normal_url(str(kept["url"])), url)
        kept.setdefault("url", url)
        if tenant is not None:
            kept["tenant"] = tenant
        return bool(dict(kept) != before)

    return _change(change)


def use_profile(name: str) -> bool:
    """Make a profile the default; tells whether it was not."""

    def change(document: TOMLDocument) -> bool:
        changed = bool(document.get("default", DEFAULT_PROFILE) != name)
        document["default"] = name
        return changed

    return _change(change)


def remove_profile(name: str) -> bool:
    """Forget a profile; tells whether there was one. Where it was the default, none is named."""

    def change(document: TOMLDocument) -> bool:
        profiles = document.get("profiles", {})
        was_there = profiles.pop(name, None) is not None
        was_default = document.get("default") == name
        if was_default:
            document.pop("default")
        return was_there or was_default

    return _change(change)


def other_server(name: str, kept: str, asked: str) -> Failed:
    """What to raise where a profile is asked for with a server that is not its own."""
    return Failed(
        f"The profile {name} is for {printable(kept)}, not for {printable(asked)}.",
        Exit.USAGE,
        "Choose another profile with --profile.",
    )


def normal(file: own_files.OwnFile, url: str, where: str = "") -> str:
    """An address in a file in its one form. Raises `Failed`."""
    try:
        return normal_url(url)
    except ValueError as error:
        raise file.wrong(f"{where}url: {str(error).rstrip('.')}") from None


def _config(file: own_files.OwnFile) -> Config:
    file.keep_from_everybody()
    table = file.toml()
    own_files.require_known(file, table, _TOP)
    kept = table.get("profiles", {})
    if not isinstance(kept, dict) or not all(isinstance(one, dict) for one in kept.values()):
        raise file.wrong("profiles holds tables, [profiles.NAME]")
    profiles = {name: _profile(file, name, one) for name, one in kept.items()}
    if any(profile.key is not None for profile in profiles.values()):
        file.keep_to_its_owner()
    keyring = table.get("keyring", True)
    if not isinstance(keyring, bool):
        raise file.wrong("keyring is true or false")
    return Config(file.path, profiles, own_files.text_of(file, table, "default"), keyring)


def _profile(file: own_files.OwnFile, name: str, table: dict[str, Any]) -> Profile:
    where = f"profiles.{name}."
    if not _PROFILE_NAME.fullmatch(name):
        raise file.wrong(f"{name} cannot be a profile's name")
    own_files.require_known(file, table, _NAMES, where)
    url, tenant, key = (own_files.text_of(file, table, one, where) for one in _NAMES)
    if key is not None and url is None:
        raise file.wrong(
            f"{where}key says not for which server it is", "Write the server's url beside the key."
        )
    return Profile(
        name,
        None if url is None else normal(file, url, where),
        tenant,
        None if key is None else Token(key),
    )


def _change(change: Callable[[TOMLDocument], bool]) -> bool:
    """Change the file and leave its comments and its order as they are."""
    import tomlkit  # noqa: PLC0415 - it takes long to load

    path = config_path()
    with own_files.changing(path):
        file = own_files.read(path)
        if file is not None:
            _config(file)
        document = tomlkit.parse(_HEAD if file is None else file.text)
        changed = change(document)
        if changed:
            own_files.replace(path, tomlkit.dumps(document))
    return changed
