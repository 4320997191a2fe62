"""What a password must be: long enough, and none of those that everybody tries first.

There are no rules of composition; NIST SP 800-63B-4, section 3.1.1.2, says why: a length and a list of what
is common keep more guesses out than required digits do. The list joins that of Django (20,000 passwords by
Royce Williams) with that of zxcvbn (the 10,000 most common, and all long ones); their licences stand beside it.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from keywright.core.errors import InvalidValue, WeakPassword

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIN_LENGTH = 10
"""The fewest characters of a password."""
MAX_LENGTH = 1_024
"""The most characters of a password; more would only be work for the hash."""
OWN_LENGTH = 8
"""Characters that a password must have beside one common word, or the person's own names, before it counts."""

_LIST = "common_passwords.txt.gz"
_SHORTEST_UNIT = 4
_SHORTEST_NAME = 3
_REPEATED = re.compile(r"(.+?)\1+", re.DOTALL)
_WORDS = re.compile(r"[^\W_]+")
_EDGES = "".join(chr(code) for code in range(0x21, 0x7F) if not chr(code).isalpha()) + " "


def check(password: str, *, about: Sequence[str] = (), field: str = "password") -> None:
    """Raise `WeakPassword` for a password that is easily guessed, in any letter case.

    It has 10 to 1,024 characters, is not common, is not a common word with a few digits or signs around it,
    does not repeat something short or common, and is more than what `about` says of the person: the login name,
    the e-mail address, the name. Raises `InvalidValue` for one that is too long.
    """
    if len(password) > MAX_LENGTH:
        raise InvalidValue(f"A password has at most {MAX_LENGTH} characters.", field=field)
    if len(password) < MIN_LENGTH:
        raise WeakPassword(f"A password has at least {MIN_LENGTH} characters.", field=field)
    folded = _folded(password)
    names = sorted({word for text in about for word in _names(_folded(text))}, key=len, reverse=True)
    if _repeats(folded) or _is_common(folded):
        raise WeakPassword(
            "This password, or one much like it, is among those that are tried first. Choose another.",
            field=field,
        )
    if _without(folded, names):
        raise WeakPassword(
            "This password is little more than the person's own name, login or e-mail address. Choose another.",
            field=field,
        )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _repeats(folded: str) -> bool:
    """Whether it is something short, or something common, again and again."""
    repeated = _REPEATED.fullmatch(folded)
    return repeated is not None and (len(repeated[1]) <= _SHORTEST_UNIT or _is_common(repeated[1]))


def _is_common(folded: str) -> bool:
    word = folded.strip(_EDGES)
    return folded in _common() or (len(folded) - len(word) < OWN_LENGTH and word in _common())


def _without(folded: str, names: Sequence[str]) -> bool:
    """Whether too little is left of it without the person's names."""
    left = folded
    for name in names:
        left = left.replace(name, "")
    return left != folded and len(left) < OWN_LENGTH


def _names(folded: str) -> Iterator[str]:
    """The text itself and each word in it, but for those so short that they stand in many words."""
    for word in (folded, *_WORDS.findall(folded)):
        if len(word) >= _SHORTEST_NAME:
            yield word


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """The list: case-folded, none shorter than four characters."""
    packed = files("keywright.core").joinpath(_LIST).read_bytes()
    return frozenset(gzip.decompress(packed).decode().split("\n")[:-1])
