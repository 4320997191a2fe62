"""The values of the client: addresses, tokens, and the answers that are more than a JSON object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias, final
from urllib.parse import urlsplit

Json: TypeAlias = dict[str, Any]
"""A JSON object as the API gives it."""

SOCKET: Final = "unix:"
"""How the address of a socket in the file system begins."""
_IMPLIED_PORT = {"http": 80, "https": 443}
_is_header_value = re.compile(r"[!-~]+").fullmatch


@final
class Token:
    """A secret text that does not show itself: `reveal()` is the only way to it.

    It has no equality, and cannot be changed, copied or pickled, so that it is not passed on unawares.
    """

    __slots__ = ("_text",)

    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """Give the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Token(…)"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A token cannot be changed.")

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token cannot be copied or pickled.")


def in_header(text: str, what: str) -> str:
    """Give a text that may stand in an HTTP header; raises ValueError, without the text, for any other."""
    if not _is_header_value(text):
        raise ValueError(f"{what} is printable ASCII characters without spaces.")
    return text


def normal_url(url: str) -> str:
    """Write a server's address in one way: lower-case scheme and host, no implied port, no slash at its end.

    Raises ValueError, with a sentence that does not repeat the address, for what cannot be one. A password
    in it is refused, because addresses are stored and shown.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    if parts.scheme not in _IMPLIED_PORT or not host or not url.strip().isprintable() or " " in url.strip():
        raise ValueError("A server's address begins with http:// or https:// and names a host.")
    if "@" in parts.netloc:
        raise ValueError("A server's address holds no user name and no password.")
    if parts.query or parts.fragment:
        raise ValueError("A server's address ends with its path.")
    shown = f"[{host}]" if ":" in host else host
    if port not in {None, _IMPLIED_PORT[parts.scheme]}:
        shown = f"{shown}:{port}"
    return f"{parts.scheme}://{shown}{parts.path.rstrip('/')}"


def any_url(url: str) -> str:
    """As `normal_url`, or the address of a socket in the file system as `unix:` and its absolute path.

    Raises ValueError, as `normal_url` does.
    """
    scheme, _, path = url.strip().partition(":")
    if scheme.lower() != "unix":
        return normal_url(url)
    path = re.sub(r"^//(?=/)", "", path)
    if not path.startswith("/") or path.startswith("//") or not path.isprintable():
        raise ValueError("A socket's address is unix: and the absolute path of its file.")
    return f"{SOCKET}{path}"


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A created key. The token can be had this once; `note` says why there is none, where there is none.

    `replayed` means that the same request had made the key before, and its answer did not arrive.
    """

    key: Json
    token: Token | None
    replayed: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login: its token is used like that of a key until it ends, at `expires_at` (RFC 3339) or earlier."""

    id: str
    token: Token
    identity: Json
    expires_at: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; `next_cursor` is where the next part begins, or None at the end."""

    items: tuple[Json, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a server can decide, and what it says about that in a few words."""

    ready: bool
    status: str
