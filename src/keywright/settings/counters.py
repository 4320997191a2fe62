"""What the address of the counters that nodes share may be."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from keywright.settings.rules import Rule, Secret

_OPTIONS: Final = {
    "redis": frozenset[str](),
    "rediss": frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}),
    "unix": frozenset({"db"}),
}


def _redis(value: object) -> Secret:
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        raise ValueError
    parts = urlsplit(value)
    options = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    if parts.scheme not in _OPTIONS or not {name for name, _ in options} <= _OPTIONS[parts.scheme]:
        raise ValueError
    # An "@" after the host means that a password holds a bare "/", "?" or "#", and the mask would show its end.
    if parts.fragment or "@" in parts.path + parts.query or parts.port == 0:
        raise ValueError
    if parts.scheme == "unix":
        sound = parts.path != "/" and parts.path.startswith("/") and not parts.netloc.rpartition("@")[2]
    else:
        sound = bool(parts.hostname) and re.fullmatch(r"(/[0-9]{0,9})?", parts.path) is not None
    if not sound or not all(re.fullmatch(r"[0-9]{1,9}", one) for name, one in options if name == "db"):
        raise ValueError
    user, at, place = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return Secret(value, f"{parts.scheme}://{name}{colon and ':***'}{at}{place}{parts.path}")


REDIS: Final = Rule("redis://USER:PASSWORD@HOST:PORT/NUMBER, rediss://… or unix:///PATH", _redis)
