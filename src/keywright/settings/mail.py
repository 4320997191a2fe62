"""What the settings of mail may be, and the mail server that they name."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from keywright.settings.rules import Rule, Secret

_SUBMISSION: Final = 587
_SUBMISSIONS: Final = 465
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ADDRESS: Final = re.compile(r"[!#-'*+\--9=?A-Z^-~]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_SENDER: Final = re.compile(rf"[^<>\"@,;:\\]{{1,100}} <{_ADDRESS.pattern}>|{_ADDRESS.pattern}")


class Encryption(StrEnum):
    """When a connection to the mail server becomes encrypted."""

    AT_ONCE = "at_once"
    STARTTLS = "starttls"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server, and as whom to log in there; without a user nobody logs in."""

    host: str
    port: int
    encryption: Encryption
    user: str | None = None
    password: str = field(default="", repr=False)


def mail_server(url: str) -> MailServer:
    """The server that a URL names: ``smtps://…`` or ``smtp://…``, which asks for STARTTLS unless it says ``never``.

    Raises ValueError, also for a login that would travel without encryption.
    """
    if not url.isprintable() or " " in url:
        raise ValueError
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    encryption = _encryption(parts.scheme, options)
    user = unquote(parts.username or "", errors="strict") or None
    password = unquote(parts.password or "", errors="strict")
    if bool(user) is not bool(password) or (user is not None and encryption is Encryption.NEVER):
        raise ValueError
    # Python's library encodes a login so, and its error holds what it could not encode.
    if not f"{user}{password}".isascii():
        raise ValueError
    # What follows the host may be the end of a password with a bare "/", "?" or "#" in it.
    if parts.path not in {"", "/"} or parts.fragment or "@" in parts.query or parts.port == 0:
        raise ValueError
    default = _SUBMISSIONS if encryption is Encryption.AT_ONCE else _SUBMISSION
    return MailServer(_host(parts), parts.port or default, encryption, user, password)


def sender_domain(sender: str) -> str:
    """The domain of the address that mail comes from."""
    return sender.rpartition("@")[2].rstrip(">")


def _encryption(scheme: str, options: dict[str, str]) -> Encryption:
    wanted = options.pop("starttls", "required")
    if options or wanted not in {"required", "never"} or scheme not in {"smtp", "smtps"}:
        raise ValueError
    if scheme == "smtps":
        return Encryption.AT_ONCE
    return Encryption.STARTTLS if wanted == "required" else Encryption.NEVER


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if not _NAME.fullmatch(host) or host.rpartition(".")[2].isdigit():
            raise
        return host


def _server(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - a reader raises nothing else
    mail_server(value)
    scheme, _, rest = value.partition("://")
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return Secret(value, f"{scheme}://{user}{colon and ':***'}{at}{place}")


def _sender(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text.isprintable() or not _SENDER.fullmatch(text):
        raise ValueError
    return text


SERVER: Final = Rule("smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT", _server)
SENDER: Final = Rule("an e-mail address, or NAME <ADDRESS>", _sender)
