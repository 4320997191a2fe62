"""What a setting may be: readers that take what a file, a variable or a flag holds, or raise ValueError."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T_co = TypeVar("T_co", covariant=True)


class Secret:
    """A text that shows only its mask, in `repr`, `str` and every dump, until `reveal` is called."""

    __slots__ = ("_mask", "_value")

    def __init__(self, value: str, mask: str = "***") -> None:
        self._value = value
        self._mask = mask

    def reveal(self) -> str:
        """Give the text itself."""
        return self._value

    def __repr__(self) -> str:
        return self._mask


@dataclass(frozen=True, slots=True)
class Rule(Generic[T_co]):
    """What is allowed, as the end of "it must be", and a reader that raises ValueError for all else."""

    allowed: str
    parse: Callable[[object], T_co]


def whole(low: int, high: int) -> Rule[int]:
    """Allow whole numbers between two bounds, both included."""

    def parse(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]+", value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError
        return value

    return Rule(f"a whole number from {low} to {high}", parse)


def number(low: float, high: float) -> Rule[float]:
    """Allow numbers between two bounds, both included; never infinity or NaN."""

    def parse(value: object) -> float:
        if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value.strip()):
            value = float(value)
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError
        return float(value)

    return Rule(f"a number from {low:g} to {high:g}", parse)


def one_of(*choices: str) -> Rule[str]:
    """Allow a few words, in any letter case."""

    def parse(value: object) -> str:
        word = _text(value).strip().lower()
        if word not in choices:
            raise ValueError
        return word

    return Rule(f"{', '.join(choices[:-1])} or {choices[-1]}", parse)


def origin_of(scheme: str, host: str, port: int | None) -> str:
    """Write an origin as browsers do: brackets around IPv6, no port where the scheme implies it."""
    shown = f"[{host}]" if ":" in host else host
    implied = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{shown}" if port in {None, implied} else f"{scheme}://{shown}:{port}"


def sqlite_url(path: Path) -> Secret:
    """Name a SQLite file as a database; nothing in it is masked."""
    url = f"sqlite:///{path}"
    return Secret(url, url)


def _text(value: object) -> str:
    """Let only text through that a path, an address or a password can hold."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError
    return value


def _word(value: object) -> str:
    """Let only printable text without blanks through; `urlsplit` silently drops some of the others."""
    text = _text(value)
    if not text.isprintable() or " " in text:
        raise ValueError
    return text


def _path(value: object) -> Path:
    text = _text(str(value) if isinstance(value, Path) else value)
    if "?" in text:  # in a database URL made from the path, options would begin there
        raise ValueError
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # a home folder that nobody has
        raise ValueError from error


def _host(value: object) -> str:
    text = _word(value).lower()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        labels = text.split(".")
        named = all(re.fullmatch(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", label) for label in labels)
        # A last label of digits is a mistyped address, never a name.
        if not named or labels[-1].isdigit() or len(text) > 253:
            raise
        return text


def _origin(value: object) -> str:
    text = _word(value)
    parts = urlsplit(text)
    more = parts.path not in {"", "/"} or any(mark in text for mark in "?#@\\")
    if parts.scheme not in {"http", "https"} or more or parts.port == 0:
        raise ValueError
    return origin_of(parts.scheme, _host(parts.hostname), parts.port)


def _database(value: object) -> Secret:
    scheme, _, rest = _text(value).partition("://")
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        if path == rest or path.startswith((":memory:", "file:")):
            raise ValueError
        return sqlite_url(_path(path))
    if scheme not in {"postgres", "postgresql"}:
        raise ValueError
    url = _word(f"postgresql://{rest}")
    parts = urlsplit(url)
    # An "@" after the host means that a password holds a bare "/" or "?", and the mask would show its start.
    if "@" in parts.path + parts.query or parts.fragment or parts.port == 0:
        raise ValueError
    if not re.fullmatch(r"/[^/]+", parts.path):
        raise ValueError
    user, at, place = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    # Options stay out of the mask, since they may hold a password too.
    return Secret(url, f"postgresql://{name}{colon and ':***'}{at}{place}{parts.path}")


def _networks(value: object) -> tuple[Network, ...]:
    if isinstance(value, str):
        value = value.split(",") if value.strip() else []
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - a reader raises nothing else
    return tuple(dict.fromkeys(ipaddress.ip_network(_text(item).strip()) for item in value))


def _dialects(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - a reader raises nothing else
    found = tuple(dict.fromkeys(_text(item).strip() for item in value))
    names = [text.partition("=")[0] for text in found]
    alone = {"all", "none"} & set(names)
    if not found or len(set(names)) < len(names) or (alone and len(names) > 1):
        raise ValueError
    if not all(re.fullmatch(r"[a-z]+(=[a-z0-9][a-z0-9_-]{0,99})?", text) for text in found):
        raise ValueError
    return found


def _password(value: object) -> Secret:
    text = _text(value)
    if not 8 <= len(text) <= 1024:
        raise ValueError
    return Secret(text)


def _digest(value: object) -> Secret:
    text = _text(value)
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError
    return Secret(text)


FOLDER: Final = Rule("the path of a folder, without a question mark", _path)
HOST: Final = Rule("an IP address (IPv6 without brackets) or a host name", _host)
ORIGIN: Final = Rule("http:// or https:// and a host, with a port if need be and nothing after it", _origin)
DATABASE: Final = Rule("sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME", _database)
NETWORKS: Final = Rule("IP addresses or networks such as 10.0.0.0/8, with commas between them", _networks)
PASSWORD: Final = Rule("8 to 1024 characters", _password)
DIGEST: Final = Rule("64 lower-case hexadecimal digits", _digest)
DIALECTS: Final = Rule(
    "all, none, or names such as contember,cloudtower=acme with commas between them", _dialects
)
