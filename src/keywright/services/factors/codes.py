"""Codes: those of an authenticator app (RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import base64
import hmac
import io
import re
import secrets
from typing import TYPE_CHECKING, Final

import pyotp
import segno

from keywright.core.hidden import Hidden
from keywright.core.tokens import digest

if TYPE_CHECKING:
    from datetime import datetime

ISSUER: Final = "Keywright"
DIGITS: Final = 6
STEP_SECONDS: Final = 30
WINDOW: Final = 1
"""Steps by which a person's clock may be off."""
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_GROUP: Final = 4

_is_code = re.compile(rf"[0-9]{{{DIGITS}}}").fullmatch
_SPACES = re.compile(r"[\s-]+")


def new_secret() -> Hidden:
    """160 random bits in base32, as RFC 4226 recommends for SHA-1."""
    return Hidden(pyotp.random_base32())


def uri(secret: str, login: str) -> Hidden:
    """The secret as authenticator apps read it: an `otpauth://` address."""
    return Hidden(
        pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(
            name=login, issuer_name=ISSUER
        )
    )


def qr_code(text: Hidden) -> Hidden:
    """A QR code of a text, as an SVG image."""
    image = io.BytesIO()
    segno.make(text.reveal(), error="m", micro=False).save(image, kind="svg", scale=4, xmldecl=False)
    return Hidden(image.getvalue().decode())


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step that a code belongs to, at most one away from now; None if it is not right.

    A code that is right for two steps counts for the later.
    """
    plain = _SPACES.sub("", code)
    if _is_code(plain) is None:
        return None
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    at = totp.timecode(now)
    steps = range(at - WINDOW, at + WINDOW + 1)
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), plain)]
    return max(right, default=None)


def new_recovery_codes() -> tuple[Hidden, ...]:
    """Ten codes of 80 random bits each, such as `k3vq-77xa-2mzd-u5pe`."""
    return tuple(Hidden(_grouped(secrets.token_bytes(_RECOVERY_BYTES))) for _ in range(RECOVERY_CODES))


def recovery_digest(code: str) -> bytes:
    """How a recovery code is stored and found: letter case, spaces and hyphens do not count."""
    return digest(_SPACES.sub("", code).casefold())


def _grouped(random: bytes) -> str:
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
