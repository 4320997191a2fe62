"""What stands in a request: the body and the query, held against Cycloid's models, with every fault named at once.

Faults are told in the words of go-openapi, which Cycloid's own server uses, and never with what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keywright.core.ids import is_any_id
from keywright.dialects.cycloid import mapping
from keywright.dialects.cycloid.errors import NO_MEDIA_TYPE, Declined, LengthRequired, invalid
from keywright.dialects.cycloid.mapping import CANONICAL, LONGEST, SHORTEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.dialects.cycloid.mapping import Plain
    from keywright.web.visit import Visit

MEDIA_TYPES: Final = frozenset({"application/json", "application/vnd.cycloid.io.v1+json"})
ALLOW: Final = "allow"
SHORTEST_NAME: Final = 3
SHORTEST_PASSWORD: Final = 8
MAX_UINT32: Final = 2**32 - 1
MAX_RULES: Final = 1_000
DEFAULT_SIZE: Final = 100
MAX_SIZE: Final = 500
"""Entities of one page; who asks for more gets so many, and is told so."""

_is_number = re.compile(r"[0-9]{1,10}").fullmatch
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class NewAPIKey:
    """Cycloid's NewAPIKey. What is empty there counts as left out."""

    name: str
    canonical: str | None
    description: str
    owner: str | None
    rules: list[Plain]


@dataclass(frozen=True, slots=True)
class UpdateAPIKey:
    """Cycloid's UpdateAPIKey, with what cannot be changed where it was sent all the same."""

    name: str
    description: str
    owner: str | None
    canonical: str | None
    rules: list[Plain] | None


@dataclass(frozen=True, slots=True)
class Login:
    """Cycloid's UserLogin, with the second factor that it does not tell of."""

    email: str
    password: str = field(repr=False)
    organization: str | None
    mfa_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CanDo:
    """Cycloid's CanDoInput."""

    action: str
    canonicals: list[str]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list is wanted, from 1 on."""

    index: int
    size: int

    def of(self, items: Sequence[Any]) -> Sequence[Any]:
        """The items of the page."""
        start = (self.index - 1) * self.size
        return items[start : start + self.size]


def read(visit: Visit) -> Plain:
    """The object in a body. Raises `LengthRequired`, and `Declined` for what is none."""
    if visit.listed(b"content-length") is None and visit.listed(b"transfer-encoding") is not None:
        raise LengthRequired
    media_type = (visit.listed(b"content-type") or "application/json").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise Declined(NO_MEDIA_TYPE)
    if not visit.body.strip():
        raise invalid("body in body is required")
    try:
        found = _decode(visit.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        raise invalid("body in body must be valid JSON") from None
    if not isinstance(found, dict):
        raise invalid("body in body must be of type object")
    return found


class _Model:
    """One object of a body, field by field; gathers what is wrong with it."""

    def __init__(self, plain: Plain, at: str = "", faults: list[str] | None = None) -> None:
        self._plain = plain
        self._at = at
        self.faults: list[str] = [] if faults is None else faults

    def blame(self, name: str, fault: str) -> None:
        self.faults.append(f"{self._at}{name} in body {fault}")

    def text(self, name: str, *, required: bool = False, shortest: int = 0) -> str:
        """A text; empty where it is not there. As in Go, null is as good as nothing."""
        value = self._plain.get(name)
        if value is None or value == "":
            if required:
                self.blame(name, "is required")
            return ""
        if not isinstance(value, str):
            self.blame(name, "must be of type string")
            return ""
        if len(value) < shortest:
            self.blame(name, f"should be at least {shortest} chars long")
        return value

    def canonical(self, name: str) -> str | None:
        value = self.text(name, shortest=SHORTEST)
        if len(value) > LONGEST:
            self.blame(name, f"should be at most {LONGEST} chars long")
        elif len(value) >= SHORTEST and not mapping.is_canonical(value):
            self.blame(name, f"should match '{CANONICAL}'")
        return value or None

    def texts(self, name: str) -> list[str]:
        value = self._plain.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.blame(name, "must be of type array of string")
            return []
        return list(value)

    def rules(self, *, required: bool) -> list[Plain] | None:
        value = self._plain.get("rules")
        if value is None:
            if required:
                self.blame("rules", "is required")
            return None
        if not isinstance(value, list):
            self.blame("rules", "must be of type array")
            return None
        if len(value) > MAX_RULES:
            self.blame("rules", f"should have at most {MAX_RULES} items")
            return None
        return [self._rule(index, one) for index, one in enumerate(value)]

    def _rule(self, index: int, value: object) -> Plain:
        at = f"rules.{index}"
        if not isinstance(value, dict):
            self.blame(at, "must be of type object")
            return {}
        rule = _Model(value, f"{at}.", self.faults)
        effect = rule.text("effect", required=True)
        if effect and effect != ALLOW:
            rule.blame("effect", f"should be one of [{ALLOW}]")
        return {"action": rule.text("action", required=True), "resources": rule.texts("resources")}

    def sound(self) -> None:
        """Raise `Declined` where something is wrong."""
        if self.faults:
            raise invalid(*self.faults[:20])


def new_api_key(plain: Plain) -> NewAPIKey:
    """The key that is to be made. Raises `Declined`."""
    model = _Model(plain)
    found = NewAPIKey(
        name=model.text("name", required=True, shortest=SHORTEST_NAME),
        canonical=model.canonical("canonical"),
        description=model.text("description"),
        owner=model.text("owner") or None,
        rules=model.rules(required=True) or [],
    )
    if found.canonical is not None and is_any_id(found.canonical):
        model.blame("canonical", "has the form of an id, which only the key with that id is named by")
    model.sound()
    return found


def update_api_key(plain: Plain) -> UpdateAPIKey:
    """What a key is to be. Raises `Declined`."""
    model = _Model(plain)
    found = UpdateAPIKey(
        name=model.text("name", required=True, shortest=SHORTEST_NAME),
        description=model.text("description"),
        owner=model.text("owner") or None,
        canonical=model.text("canonical") or None,
        rules=model.rules(required=False),
    )
    model.sound()
    return found


def login(plain: Plain) -> Login:
    """Who wants to log in. Raises `Declined`."""
    model = _Model(plain)
    found = Login(
        email=model.text("email", required=True),
        password=model.text("password", required=True, shortest=SHORTEST_PASSWORD),
        organization=model.text("organization_canonical") or None,
        mfa_token=model.text("mfa_token") or None,
    )
    model.sound()
    return found


def can_do(plain: Plain) -> CanDo:
    """What is asked about. Raises `Declined`."""
    model = _Model(plain)
    found = CanDo(action=model.text("action", required=True), canonicals=model.texts("entity_canonicals"))
    model.sound()
    return found


def number(name: str, text: str) -> int:
    """A uint32 of the query. Raises `Declined`."""
    if not _is_number(text) or int(text) > MAX_UINT32:
        raise invalid(f"{name} in query must be of type uint32")
    return int(text)


def paging(query: Sequence[tuple[str, str]]) -> Paging:
    """The page that a query asks for. Raises `Declined`."""
    given = dict(query)
    index = number("page_index", given.get("page_index", "1"))
    if index < 1:
        raise invalid("page_index in query should be greater than or equal to 1")
    size = number("page_size", given.get("page_size", str(DEFAULT_SIZE)))
    return Paging(index, min(size, MAX_SIZE))
