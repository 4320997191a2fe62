"""Tokens: the secret text of a key, session or invitation, how one is made, recognised, hashed and hidden.

Our own form is `{prefix}_{random}{checksum}`: a prefix `[a-z][a-z0-9_]{0,15}`, 31 random base62 characters
(184 bits) and the CRC-32 of all that stands before it as 6 base62 characters. The checksum guards against
slips of hand, not against anyone: it tells a mistyped token without a look-up, and a scanner can tell a token
from other text.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from enum import Enum
from typing import TYPE_CHECKING, NoReturn, final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_PREFIX = "kw"
SESSION_PREFIX = "kws"
INVITATION_PREFIX = "kwi"
FLOW_PREFIX = "kwf"
RESERVED_PREFIXES = frozenset({SESSION_PREFIX, INVITATION_PREFIX, FLOW_PREFIX})
"""Prefixes of tokens that are no API keys; no key may be given one of them."""
RANDOM_LENGTH = 31
CHECKSUM_LENGTH = 6
MAX_LENGTH = 512
"""The longest text that is looked up at all, in characters."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_TAIL_LENGTH = RANDOM_LENGTH + CHECKSUM_LENGTH
_HINT_LENGTH = 4
_LAST = 7

_is_prefix = re.compile(r"[a-z][a-z0-9_]{0,15}").fullmatch
_is_ours = re.compile(rf"[a-z][a-z0-9_]{{0,15}}_[0-9A-Za-z]{{{_TAIL_LENGTH}}}").fullmatch
_is_presentable = re.compile(rf"[!-~]{{1,{MAX_LENGTH}}}").fullmatch
_is_digest = re.compile(r"[0-9a-f]{64}").fullmatch
_tails = re.compile(rf"_[0-9A-Za-z]{{{_TAIL_LENGTH}}}").finditer
_prefix_before = re.compile(r"[a-z0-9_]{1,16}\Z").search
_RESERVED_STARTS = tuple(f"{prefix}_" for prefix in sorted(RESERVED_PREFIXES))
_OWN_STARTS = (f"{DEFAULT_PREFIX}_", *_RESERVED_STARTS)


class InvalidPrefix(ValueError):
    """A token prefix that is not `[a-z][a-z0-9_]{0,15}`."""


class Form(Enum):
    """What a text can be told to be without a look-up."""

    CHECKED = "checked"
    """In our form, and the checksum holds."""
    FOREIGN = "foreign"
    """Not in our form: made elsewhere, and known by its digest alone."""
    MALFORMED = "malformed"
    """Can be no token: refuse it without a look-up."""


@final
class Token:
    """A secret text that does not show itself: `reveal()` is the only way to it.

    `str`, `repr` and format specifications give the hint. A token cannot be changed, copied or pickled, and
    is no dataclass, so that `asdict` and serializers do not walk into it. Tokens have no equality of their
    own: a token is found by its digest and never compared with another, and a comparison that is not there
    cannot leak by its timing. The text may be anything a caller presented, also what can be no token.
    """

    __slots__ = ("_text",)

    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """Give the secret itself, for the one answer that hands it out."""
        return self._text

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text, 32 bytes."""
        return digest(self._text)

    @property
    def hint(self) -> str:
        """What may be shown to tell this token from others; see `hint`."""
        return hint(self._text)

    @property
    def last_seven(self) -> str:
        """What may be shown of the end of the token; see `last_seven`."""
        return last_seven(self._text)

    def __repr__(self) -> str:
        return f"Token({self.hint}…)"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A token cannot be changed.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("A token cannot be changed.")

    def __getstate__(self) -> NoReturn:
        raise TypeError("A token cannot be copied or pickled.")


def is_prefix(text: str) -> bool:
    """Whether a text may be the prefix of tokens: `[a-z][a-z0-9_]{0,15}`, ASCII."""
    return _is_prefix(text) is not None


def mint(prefix: str = DEFAULT_PREFIX, *, random: Callable[[int], int] = secrets.randbelow) -> Token:
    """Make a new token in our form; `random(n)` gives an unbiased number from 0 to n-1.

    Raises `InvalidPrefix`.
    """
    if not is_prefix(prefix):
        raise InvalidPrefix("A prefix is 1 to 16 lower-case letters, digits and underscores, a letter first.")
    body = prefix + "_" + "".join(_ALPHABET[random(len(_ALPHABET))] for _ in range(RANDOM_LENGTH))
    return Token(body + _checksum(body))


def form_of(text: str) -> Form:
    """Tell what a text can be, without a look-up and in constant work.

    `CHECKED` is our form with the right checksum. `MALFORMED` is our form with a wrong one, anything else
    under the prefixes `kw`, `kws`, `kwi` and `kwf`, the empty text, more than 512 characters, and characters outside
    of printable ASCII (0x21 to 0x7e). All the rest is `FOREIGN`.
    """
    if _is_ours(text):
        holds = _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]
        return Form.CHECKED if holds else Form.MALFORMED
    if text.startswith(_OWN_STARTS) or not _is_presentable(text):
        return Form.MALFORMED
    return Form.FOREIGN


def is_reserved(text: str) -> bool:
    """Whether a text begins as tokens do that are no API keys."""
    return text.startswith(_RESERVED_STARTS)


def digest(text: str) -> bytes:
    """SHA-256 of the text as UTF-8, 32 bytes: how a token is stored and found.

    Defined for every text: lone surrogates are encoded too, because an encoding error would hold the text.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def parse_digest_hex(text: str) -> bytes | None:
    """Read the 32 bytes written as exactly 64 lower-case hexadecimal digits; anything else gives None."""
    return bytes.fromhex(text) if _is_digest(text) else None


def hint(text: str) -> str:
    """Give what may be shown to tell a token from others: its prefix, `_` and four random characters.

    Of a text not in our form, at most the first eighth, up to four characters; nothing if it can be no token.
    """
    if _is_ours(text):
        return text[: _HINT_LENGTH - _TAIL_LENGTH]
    return text[: min(_HINT_LENGTH, len(text) // 8)] if _is_presentable(text) else ""


def last_seven(text: str) -> str:
    """Give the last seven characters: in our form one random character and the checksum.

    Of a shorter text at most the last quarter; nothing if it can be no token.
    """
    shown = min(_LAST, len(text) // 4)
    return text[len(text) - shown :] if _is_presentable(text) else ""


def find_tokens(text: str) -> list[tuple[int, int]]:
    """Find the tokens in our form with a right checksum, as (start, end) in order of their ends.

    Neighbouring characters do not hide a token: the checksum decides where its prefix begins. Two spans
    overlap when the end of one token serves as the prefix of the next. The work is linear in the text.
    """
    found = []
    for tail in _tails(text):
        bar = tail.start()
        run = _prefix_before(text[max(0, bar - 16) : bar])
        for length in range(1, len(run[0]) + 1 if run else 0):
            start = bar - length
            if form_of(text[start : tail.end()]) is Form.CHECKED:
                found.append((start, tail.end()))
                break
    return found


def redact(text: str) -> str:
    """Replace each token that `find_tokens` finds by its hint and `…`, in linear time."""
    pieces = []
    at = 0
    for start, end in find_tokens(text):
        shown = hint(text[start:end])[max(0, at - start) :]
        pieces += [text[at:start], shown, "…"]
        at = end
    return "".join((*pieces, text[at:]))


def _checksum(body: str) -> str:
    """CRC-32 of an ASCII text as six base62 digits, the most significant first."""
    value = crc32(body.encode())
    return _PAIRS[value // 62**4] + _PAIRS[value // 62**2 % 62**2] + _PAIRS[value % 62**2]
