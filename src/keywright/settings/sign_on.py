"""What the settings of single sign-on may be."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from keywright.settings.rules import Rule, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ISSUER: Final = 500
MAX_ROLES: Final = 1_000
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_SCOPE: Final = re.compile(r"[!#-\[\]-~]{1,100}")
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VALUE: Final = re.compile(r"[^\s:*${}\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,100}")
_PARTS: Final = frozenset({"group", "role", "tenant", "variables"})


@dataclass(frozen=True, slots=True)
class GroupRole:
    """A role for the members of a provider's group: in a tenant by its slug, or (None) everywhere."""

    group: str
    role: str
    tenant: str | None = None
    variables: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.group} → {self.role} {'everywhere' if self.tenant is None else f'in {self.tenant}'}"


def _line(value: object, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError
    return value


def is_safe(url: str) -> bool:
    """Whether a provider may be asked at an address: https, or on this machine http; no login, no fragment."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if not url.isascii() or not url.isprintable() or any(mark in url for mark in ' #@\\"<>') or port == 0:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def _issuer(value: object) -> str:
    text = _line(value, MAX_ISSUER)
    if not is_safe(text) or "?" in text:
        raise ValueError
    return text


def _client_id(value: object) -> str:
    return _line(value, 255)


def _client_secret(value: object) -> Secret:
    return Secret(_line(value, 1024))


def _scopes(value: object) -> str:
    scopes = _line(value, 1000).split(" ")
    if "openid" not in scopes or not all(map(_SCOPE.fullmatch, scopes)):
        raise ValueError
    return " ".join(scopes)


def _claim(value: object) -> str:
    return _line(value, 255)


def _truth(value: object) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in ("true", "false"):
        return word == "true"
    if not isinstance(word, bool):
        raise ValueError  # noqa: TRY004 - a reader raises nothing else
    return word


def _roles(value: object) -> tuple[GroupRole, ...]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except RecursionError as error:
            raise ValueError from error
    if not isinstance(value, list | tuple) or len(value) > MAX_ROLES:
        raise ValueError
    return tuple(one if isinstance(one, GroupRole) else _role(one) for one in value)


def _role(value: Any) -> GroupRole:  # noqa: ANN401 - whatever stands in the list
    if not isinstance(value, dict) or not {"group", "role"} <= value.keys() <= _PARTS:
        raise ValueError
    tenant = value.get("tenant")
    variables: Mapping[str, object] = value.get("variables", {})
    if not isinstance(variables, dict):
        raise ValueError  # noqa: TRY004 - a reader raises nothing else
    return GroupRole(
        _line(value["group"], 255),
        _matching(_NAME, value["role"]),
        None if tenant is None else _matching(_NAME, tenant),
        tuple((_matching(_VARIABLE, name), _values(variables[name])) for name in sorted(variables)),
    )


def _values(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise ValueError
    return tuple(dict.fromkeys(_matching(_VALUE, one) for one in listed))


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError
    return value


ISSUER: Final = Rule("https:// and a host, with a path if need be; http:// on this machine alone", _issuer)
CLIENT_ID: Final = Rule("1 to 255 characters", _client_id)
CLIENT_SECRET: Final = Rule("1 to 1024 characters", _client_secret)
SCOPES: Final = Rule("words with a space between them, openid among them", _scopes)
CLAIM: Final = Rule("the name of a claim", _claim)
ROLES: Final = Rule(
    "a list of group, role, tenant (left out: everywhere) and variables, in a variable or flag as JSON",
    _roles,
)
TRUTH: Final = Rule("true or false", _truth)
