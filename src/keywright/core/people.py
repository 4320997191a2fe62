"""What people are called: login names and e-mail addresses, in the one form in which they are compared."""

from __future__ import annotations

import re

from keywright.core import checks
from keywright.core.errors import InvalidValue

MAX_LOGIN = 100
MAX_EMAIL = 254
"""The longest address that mail can be sent to: RFC 5321, section 4.5.3.1.3, without the angle brackets."""

_SPACE = re.compile(r"\s")
_LOCAL = r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f-\x9f]{1,64}"
_LABEL = r"[^\W_][\w-]{0,62}"
_EMAIL = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*")


def fold_login(login: str) -> str:
    """How login names are compared: letter case, and what cannot be seen, do not count."""
    return "".join(one for one in login.strip().casefold() if one.isprintable())[:255]


def login_name(text: str, field: str = "login") -> str:
    """1 to 100 characters without spaces and `@`, which tells an e-mail address from it; folded."""
    checks.name(text, field)
    folded = fold_login(text)
    if not folded or len(folded) > MAX_LOGIN:
        raise InvalidValue(f"A login name has 1 to {MAX_LOGIN} characters.", field=field)
    if "@" in folded or _SPACE.search(text.strip()):
        raise InvalidValue("A login name has no spaces and no @.", field=field)
    return folded


def email(text: str, field: str = "email") -> str:
    """An e-mail address of at most 254 characters, such as `ada@example.com`; folded.

    Quoted local parts and addresses in brackets are refused: they are allowed by the standard, and in use nowhere.
    """
    checks.name(text, field)
    folded = fold_login(text)
    if len(folded) > MAX_EMAIL or not _EMAIL.fullmatch(folded):
        raise InvalidValue("This is not an e-mail address.", field=field)
    return folded
