"""Authenticator apps: setting one up, showing a first code of it, and taking it away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core.audit import Change
from keywright.core.errors import FactorExists, NotFound
from keywright.core.sessions import TOTP
from keywright.services.factors import codes, recovery
from keywright.services.factors.own import own_person
from keywright.services.factors.showing import app_code
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.core.hidden import Hidden
    from keywright.services.work import Work


@dataclass(frozen=True, slots=True)
class TotpBegun:
    """What an authenticator app takes, in three forms; shown this once.

    `secret` is base32, `uri` an `otpauth://` address, `qr_code` that address as an SVG image.
    """

    secret: Hidden
    uri: Hidden
    qr_code: Hidden


@dataclass(frozen=True, slots=True)
class FirstCode:
    """The code that the app shows once it has the secret."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TotpConfirmed:
    """The app is a second factor from now on. The recovery codes are shown this once; none if there are some."""

    recovery_codes: tuple[Hidden, ...]


@use_case("factors.totp.begin", permission=None, reach=Reach.SELF, changes=True, fresh=True)
async def begin_totp(work: Work, _nothing: None) -> TotpBegun:
    """Set up an authenticator app: gives the secret to put into it. It counts once a code of it was shown.

    Beginning again makes a new secret. Raises `FactorExists` where an app is set up and confirmed already.
    """
    person = await own_person(work)
    secret = codes.new_secret()
    if not await work.transaction.totp.set_up(person.identity.id, secret.reveal(), work.now):
        raise FactorExists("An authenticator app is set up already. Remove it before you set up another.")
    work.record("factor.begin", "identity", person.identity.id, {"factor": Change(None, TOTP)})
    uri = codes.uri(secret.reveal(), person.login)
    return TotpBegun(secret, uri, codes.qr_code(uri))


@use_case("factors.totp.confirm", permission=None, reach=Reach.SELF, changes=True, fresh=True)
async def confirm_totp(work: Work, shown: FirstCode) -> TotpConfirmed:
    """Turn the authenticator app on with a code of it; gives recovery codes to who has none.

    The code is spent by that. Raises `NotFound` where none is set up, `FactorExists` where it is on already,
    `InvalidCode` and `CodeReused`.
    """
    person = await own_person(work)
    secret = await work.transaction.totp.of(person.identity.id)
    if secret is None:
        raise NotFound("No authenticator app is set up. Begin with that.")
    if secret.confirmed_at is not None:
        raise FactorExists("The authenticator app is on already.")
    await app_code(work.transaction, secret, shown.code, work.now)
    await work.transaction.totp.confirm(person.identity.id, work.now)
    left = await work.transaction.recovery_codes.left(person.identity.id)
    made = () if left else await recovery.give(work, person.identity.id)
    work.record("factor.add", "identity", person.identity.id, {"factor": Change(None, TOTP)})
    return TotpConfirmed(made)


@use_case("factors.totp.remove", permission=None, reach=Reach.SELF, changes=True, fresh=True)
async def remove_totp(work: Work, _nothing: None) -> None:
    """Take the authenticator app away. With the last second factor go the recovery codes."""
    person = await own_person(work)
    if await work.transaction.totp.of(person.identity.id) is None:
        raise NotFound("No authenticator app is set up.")
    await work.transaction.totp.remove(person.identity.id)
    await recovery.take_if_last(work, person.identity.id)
    work.record("factor.remove", "identity", person.identity.id, {"factor": Change(TOTP, None)})
