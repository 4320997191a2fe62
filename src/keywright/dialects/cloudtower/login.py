"""Logging in: a token that stays good until it is ended, never for a password alone where that does not do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import (
    InvalidType,
    InvalidValue,
    KeywrightError,
    MissingField,
    Unauthenticated,
    UnknownField,
)
from keywright.dialects.cloudtower.errors import MFA_TYPES
from keywright.dialects.cloudtower.mapping import SOURCES
from keywright.dialects.cloudtower.request import entry
from keywright.services.factors import AppCode, RecoveryCode
from keywright.services.sessions import Lifetime, end_session
from keywright.services.sessions.proving import wrong_password
from keywright.web.calls import call_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.services.factors import Factor
    from keywright.services.service import Services
    from keywright.web.visit import Visit

FOR_EVER: Final = Lifetime(idle=None, longest=None)
_SENT: Final = ("Mail", "Sms")
"""Their other second factors: a code that is sent. Nothing is sent here."""
_FIELDS: Final = ("username", "password", "source", "auth_config_id", "mfa_type", "mfa_code")

_is_app_code = re.compile(r"[\s-]*(?:[0-9][\s-]*){6}").fullmatch


async def log_in(services: Services, visit: Visit, slug: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Log somebody in, on the condition that they may be in the tenant.

    Raises what `SessionKeeper.log_in` raises; who has nothing to do with the tenant is told what somebody is told
    who got the password wrong.
    """
    name, password, factor = _read(given)
    logged_in = await services.log_in(
        name,
        password,
        factor=factor,
        lifetime=FOR_EVER,
        ip=visit.ip_text,
        request_id=visit.request_id,
    )
    token = logged_in.token.reveal()
    call = await call_with(token, visit, services)
    try:
        await entry(call, services, slug)
    except KeywrightError as refused:
        await services.run(end_session, call, None)
        if isinstance(refused, Unauthenticated):
            raise wrong_password() from None
        raise
    return {"task_id": None, "data": {"token": token}}


def _read(given: Mapping[str, Any]) -> tuple[str, str, Factor | None]:
    """Name, password and second factor of a login."""
    if not given.keys() <= set(_FIELDS):
        raise UnknownField(f"A login takes {', '.join(_FIELDS)}.")
    for name in _FIELDS:
        if not isinstance(given.get(name), str | None):
            raise InvalidType(f"{name} is a text.", field=name)
    for name in ("username", "password"):
        if given.get(name) is None:
            raise MissingField(f"A login needs a {name}.", field=name)
    # There is one directory of people here, whatever the source is called.
    _among("source", given.get("source"), SOURCES)
    _among("mfa_type", given.get("mfa_type"), (*_SENT, *MFA_TYPES.values()))
    return given["username"], given["password"], _factor(given.get("mfa_type"), given.get("mfa_code"))


def _among(name: str, given: str | None, known: tuple[str, ...]) -> None:
    if given is not None and given not in known:
        raise InvalidValue(f"{name} is one of {', '.join(known)}.", field=name)


def _factor(kind: str | None, code: str | None) -> Factor | None:
    """The second factor that was shown: of the kind that was named, or else of the kind that it looks like."""
    if code is None:
        return None
    app = kind == "Totp" if kind in MFA_TYPES.values() else _is_app_code(code) is not None
    return AppCode(code) if app else RecoveryCode(code)
