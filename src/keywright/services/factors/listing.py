"""Which second factors somebody has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.services.factors.own import own_session
from keywright.services.factors.showing import standing
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.passkeys import Passkey
    from keywright.services.work import Work


@dataclass(frozen=True, slots=True)
class Factors:
    """The caller's second factors, without anything secret.

    `totp_since` is when an authenticator app was turned on, None if none is.
    """

    totp_since: datetime | None
    recovery_codes_left: int
    passkeys: tuple[Passkey, ...]


@use_case("factors.list", permission=None, reach=Reach.SELF)
async def list_factors(work: Work, _nothing: None) -> Factors:
    """The caller's own second factors. An API key has none."""
    found = await standing(work.transaction, own_session(work.caller).identity_id)
    return Factors(
        None if found.totp is None else found.totp.confirmed_at, found.recovery_codes, found.passkeys
    )
