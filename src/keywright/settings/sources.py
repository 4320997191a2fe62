"""Where settings come from: the file, the variables and the flags, each overriding the one before."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from keywright.settings.model import SETTINGS, Setting, Settings
from keywright.settings.rules import sqlite_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILE_NAME: Final = "keywright.toml"
PREFIX: Final = "KEYWRIGHT_"
CONFIG_VARIABLE: Final = "KEYWRIGHT_CONFIG"
TEST_PREFIX: Final = "KEYWRIGHT_TEST_"
#: Variables with our prefix that are no settings: the file's place, and what the command line needs.
OTHER_VARIABLES: Final = frozenset(
    {CONFIG_VARIABLE, "KEYWRIGHT_URL", "KEYWRIGHT_API_KEY", "KEYWRIGHT_TENANT"}
    | {"KEYWRIGHT_PROFILE", "KEYWRIGHT_PROJECT_FILE", "KEYWRIGHT_KEYRING"}
)


class SettingsError(Exception):
    """The server cannot start as it is set up; the text is one sentence for whoever set it up."""


class _Given(NamedTuple):
    """One value as somebody gave it, and where, in words such as "the flag --port"."""

    name: str
    value: object
    where: str


def load(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Read and check the settings: a flag overrides a variable, that the file, and that the default.

    `flags` are by setting name, None for one not given, and "config" for the path of the file. An empty
    variable counts as not given. Relative paths are from `cwd`, wherever they were given. Raises
    `SettingsError` for an unknown name and for any value that is not allowed, overridden or not.
    """
    by_name = {item.name: item for item in SETTINGS}
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for given in (*_from_file(flags, environ, cwd), *_from_variables(environ), *_from_flags(flags)):
        values[given.name] = _read(by_name[given.name], given)
        places[given.name] = given.where
    settings = Settings(**values)
    idle, longest = settings.session_idle_seconds, settings.session_max_seconds
    if longest < idle:
        where = [places.get(name, "the default") for name in ("session_max_seconds", "session_idle_seconds")]
        raise SettingsError(
            f"session_max_seconds cannot be '{longest}' (from {where[0]}): it must be at least "
            f"session_idle_seconds, which is '{idle}' (from {where[1]})."
        )
    _check_sign_on(settings, places)
    _check_mail(settings, places)
    return _anchor(settings, cwd)


def _check_sign_on(settings: Settings, places: Mapping[str, str]) -> None:
    """Refuse single sign-on that is set up by half, since nobody would notice that it is not there."""
    for name in ("oidc_issuer", "oidc_client_id"):
        given = next((one for one in places if one.startswith("oidc_")), None)
        if given is not None and getattr(settings, name) is None:
            raise SettingsError(
                f"{given} is set (from {places[given]}) and {name} is not: "
                "single sign-on needs oidc_issuer and oidc_client_id."
            )


def _check_mail(settings: Settings, places: Mapping[str, str]) -> None:
    """Refuse mail that is set up by half: it would fail when the first invitation is sent, not now."""
    if settings.smtp_url is not None and settings.mail_from is None:
        raise SettingsError(
            f"smtp_url is set (from {places['smtp_url']}) and mail_from is not: mail needs an address to come from."
        )


def _anchor(settings: Settings, cwd: Path) -> Settings:
    """Make relative paths absolute, so that a later change of folder moves nothing."""
    url = settings.database_url
    if url is not None and url.reveal().startswith("sqlite:"):
        url = sqlite_url(cwd / url.reveal().removeprefix("sqlite:///"))
    return replace(settings, data=cwd / settings.data, database_url=url)


def _read(setting: Setting, given: _Given) -> object:
    try:
        return setting.parse(given.value)
    except ValueError:
        shown = "the given value" if setting.secret else _shown(given.value)
        # The cause is left out of the chain because its own text may hold the value.
        raise SettingsError(
            f"{setting.name} cannot be {shown} (from {given.where}): it must be {setting.allowed}."
        ) from None


def _shown(value: object) -> str:
    """Quote a value for a sentence: on one line, not too long, and without a login hidden in a URL."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = re.sub(r"//[^/]*@", "//***@", text)
    return repr(text if len(text) <= 80 else text[:79] + "…")


def _unknown(what: str, key: str, known: Mapping[str, str]) -> SettingsError:
    """Name the nearest setting, or all of them; never the value, which may be a mistyped secret."""
    near = get_close_matches(key.lower().replace("-", "_"), known, n=1)
    hint = f"did you mean {known[near[0]]}?" if near else f"the settings are {', '.join(known.values())}."
    return SettingsError(f"{what} is not a setting; {hint}")


def _from_flags(flags: Mapping[str, object]) -> Iterator[_Given]:
    known = {item.name: item.flag for item in SETTINGS}
    for name, value in flags.items():
        if name == "config" or value is None:
            continue
        if name not in known:
            raise _unknown(f"The flag --{name.replace('_', '-')}", name, known)
        yield _Given(name, value, f"the flag {known[name]}")


def _from_variables(environ: Mapping[str, str]) -> Iterator[_Given]:
    known = {item.name: item.env for item in SETTINGS}
    names = {env: name for name, env in known.items()}
    for variable, value in sorted(environ.items()):
        ours = variable.startswith(PREFIX) and not variable.startswith(TEST_PREFIX)
        if not ours or not value or variable in OTHER_VARIABLES:
            continue
        if variable not in names:
            raise _unknown(f"The variable {variable}", variable.removeprefix(PREFIX), known)
        yield _Given(names[variable], value, f"the variable {variable}")


def _from_file(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Iterator[_Given]:
    named = flags.get("config") or environ.get(CONFIG_VARIABLE)
    label = str(named or FILE_NAME)
    path = cwd / label
    if not named and not path.exists():
        return
    known = {item.name: item.name for item in SETTINGS}
    for key, value in _parse(_contents(path, label), label).items():
        if key not in known:
            raise _unknown(f"The key {key!r} in {label}", key, known)
        yield _Given(key, value, label)


def _contents(path: Path, label: str) -> str:
    try:
        # A byte order mark, which some editors write, is no part of TOML.
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"The settings file {label} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        place = _end_of(error.object[: error.start].decode())
        raise SettingsError(f"{label}, {place}: this is not UTF-8.") from None


def _parse(text: str, label: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem, _, place = str(error).removesuffix(")").rpartition(" (at ")
        place = place.replace("end of document", _end_of(text))
    except ValueError:  # a number with more digits than Python reads, the one case without a position
        problem, place = "A number is too long", "somewhere"
    raise SettingsError(f"{label}, {place}: this is not valid TOML ({problem}).")


def _end_of(text: str) -> str:
    """Name the place after a text, counted from 1."""
    return f"line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))}"
