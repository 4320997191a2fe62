"""Cycloid's models as its generated client declares them, and a validator that every answer in the tests goes through.

It is stricter than that client: a field that the model does not have is refused too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

CANONICAL = r"^[a-z0-9]+[a-z0-9\-_]+[a-z0-9]+$"
UINT32, UINT64 = 2**32 - 1, 2**64 - 1


@dataclass(frozen=True)
class Text:
    """A text of some length that may have to match a pattern."""

    shortest: int = 0
    longest: int = 10**6
    pattern: str = ""
    choices: tuple[str, ...] = ()

    def faults(self, value: Any, at: str) -> list[str]:
        if not isinstance(value, str):
            return [f"{at} is no text"]
        wrong = not self.shortest <= len(value) <= self.longest or (
            self.pattern and not re.search(self.pattern, value)
        )
        return (
            [f"{at} is not as it should be"] if wrong or (self.choices and value not in self.choices) else []
        )


@dataclass(frozen=True)
class Number:
    """A whole number."""

    least: int = 0
    most: int = UINT32

    def faults(self, value: Any, at: str) -> list[str]:
        sound = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return [] if sound else [f"{at} is no number as it should be"]


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def faults(self, value: Any, at: str) -> list[str]:
        return [] if isinstance(value, bool) else [f"{at} is no flag"]


@dataclass(frozen=True)
class Many:
    """A list of one kind of thing."""

    of: Any
    least: int = 0

    def faults(self, value: Any, at: str) -> list[str]:
        if not isinstance(value, list) or len(value) < self.least:
            return [f"{at} is no list as it should be"]
        return [fault for index, one in enumerate(value) for fault in faults(self.of, one, f"{at}.{index}")]


@dataclass(frozen=True)
class Mapped:
    """An object with any names and one kind of thing."""

    of: Any

    def faults(self, value: Any, at: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{at} is no object"]
        return [fault for name, one in value.items() for fault in faults(self.of, one, f"{at}.{name}")]


MOMENT = Number(0, UINT64)
EMAIL = Text(3, 254, r"^[^@\s]+@[^@\s]+$")
NAMED = {"id": Number(1), "canonical": Text(3, 100, CANONICAL), "name": Text(3)}
TIMES = {"created_at": MOMENT, "updated_at": MOMENT}
FLAGS = (
    *("can_children_create_appearance", "can_children_manage_oidc_mapping", "can_create_appearance"),
    *("can_children_use_dedicated_authentication", "can_manage_oidc_mapping", "has_children", "is_root"),
    *("can_use_dedicated_authentication", "is_using_dedicated_authentication", "mfa_enabled"),
)
USER: dict[str, Any] = {
    "id": Number(1),
    "username": Text(3, 30, CANONICAL),
    "email": EMAIL,
    "full_name": Text(2, 255),
    "locale": Text(2, 5, r"^[a-z]{2}(?:-[a-z][a-z])?$"),
    "mfa_enabled": Flag(),
    "created_at": MOMENT,
}
MORE_OF_USER = {
    "country_code": Text(2, 2),
    "picture_url": Text(),
    "last_login_at": MOMENT,
    "updated_at": MOMENT,
}
MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Rule": (
        {"id": Number(), "action": Text(1), "effect": Text(choices=("allow",)), "resources": Many(Text(1))},
        {},
    ),
    "User": (USER, MORE_OF_USER),
    "APIKey": (
        {**NAMED, "last_seven": Text(0, 7), "rules": Many("Rule")},
        {"description": Text(), "last_used": MOMENT, "owner": "User", "token": Text(20)},
    ),
    "Policy": (
        {
            "id": Number(1),
            "code": Text(5, 60, r"(?:[a-z]+_)*[a-z]+(?::(?:[a-z]+_)*[a-z]+)*$"),
            "description": Text(),
        },
        {"entities": Many(Text()), **TIMES},
    ),
    "Role": ({**NAMED, "description": Text(), "default": Flag(), "rules": Many("Rule")}, TIMES),
    "CanDo": ({"ok": Flag()}, {"entity_canonicals": Many(Text())}),
    "UserSession": ({"token": Text(20), "owns": Many(Text()), "permissions": Mapped("Rule")}, {}),
    "UserAccountEmail": (
        {"email": EMAIL, "purpose": Text(1), "verified": Flag()},
        {"created_at": MOMENT},
    ),
    "UserAccount": (
        USER
        | {
            "username": Text(3, 100, CANONICAL),
            "emails": Many("UserAccountEmail", 1),
            "locale": Text(choices=("en", "fr", "es")),
            "last_login": MOMENT,
            "updated_at": MOMENT,
        },
        MORE_OF_USER,
    ),
    "Organization": (
        {**NAMED, **TIMES, "blocked": Many(Text()), **dict.fromkeys(FLAGS, Flag())}
        | dict.fromkeys(("ci_port", "ci_team_name", "ci_url"), Text()),
        {},
    ),
    "Pagination": ({"index": Number(1, UINT64), "size": MOMENT, "total": MOMENT}, {}),
    "Error": ({"code": Text(1), "message": Text(1)}, {"details": Many(Text(1), 1)}),
    "ErrorPayload": ({"errors": Many("Error", 1)}, {"request_id": Text(32)}),
}
CODES = (
    "NotFoundEntity",
    "Unauthorized",
    "Unauthenticated",
    "Unexpected",
    "RetryOperation",
    "Invalid",
    "AlreadyExists",
)


def faults(kind: Any, value: Any, at: str) -> list[str]:
    """What is wrong with a value that should be of a kind: the name of a model, or one of the classes above."""
    if not isinstance(kind, str):
        found: list[str] = kind.faults(value, at)
        return found
    if not isinstance(value, dict):
        return [f"{at} is no object"]
    required, optional = MODELS[kind]
    known = {**required, **optional}
    wrong = [f"{at}.{name} is missing" for name in required.keys() - value.keys()]
    wrong += [f"{at}.{name} is no field of {kind}" for name in value.keys() - known.keys()]
    return wrong + [
        fault
        for name, one in value.items()
        if name in known
        for fault in faults(known[name], one, f"{at}.{name}")
    ]


def checked(kind: str, answer: Any) -> Any:
    """The `data` of an answer, on the condition that it is in the form of a model, or of a list of one: `[APIKey]`."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    listed = kind.startswith("[")
    assert body.keys() == ({"data", "pagination"} if listed else {"data"})
    if listed:
        assert faults("Pagination", body["pagination"], "pagination") == []
        assert faults(Many(kind.strip("[]")), body["data"], "data") == []
    else:
        assert faults(kind, body["data"], "data") == []
    return body["data"]


def refused(answer: Any, status: int, code: str) -> list[str]:
    """The details of a refusal, on the condition that it is in Cycloid's form and has this status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert faults("ErrorPayload", body, "body") == []
    assert body["request_id"] == answer.headers["x-request-id"]
    (error,) = body["errors"]
    assert error["code"] == code, answer.text
    assert code in CODES
    assert ("www-authenticate" in answer.headers) is (status == 401)
    details: list[str] = error.get("details", [])
    return details
