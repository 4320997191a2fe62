"""Passkeys: registering a device, naming it, and taking it away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import IllegalTransition, NotFound
from keywright.core.ids import new_id
from keywright.core.passkeys import Passkey
from keywright.core.sessions import PASSKEY
from keywright.services.factors import recovery
from keywright.services.factors.own import own_person, own_session
from keywright.services.relying_party import (
    ANSWER_WITHIN,
    challenge_id,
    challenge_of,
    new_challenge,
    refused,
)
from keywright.services.work import Reach, use_case
from keywright.storage.challenges import Challenge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keywright.services.relying_party import Registered, RelyingParty
    from keywright.services.tools import Tools
    from keywright.services.work import Call, Work

MAX_PASSKEYS = 20
"""Passkeys of one person."""
PURPOSE = "passkey.add"


@dataclass(frozen=True, slots=True)
class PasskeyOptions:
    """What a browser is to ask of a device (WebAuthn's options as JSON), and until when it may answer."""

    options: Mapping[str, Any]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What a device registered, `PublicKeyCredential` as JSON, and what its person calls it."""

    name: str
    credential: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasskeyName:
    """A passkey by its id, and what it is to be called."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class PasskeyId:
    """One of the caller's passkeys."""

    id: str


async def _relying_party(tools: Tools, _call: Call, _data: None) -> RelyingParty:
    return tools.relying_party


async def _registered(tools: Tools, call: Call, new: NewPasskey) -> Registered:
    """What a device registered. Its challenge is spent by that, whatever becomes of the call."""
    own_session(call.caller)
    challenge = challenge_of(new.credential)
    async with tools.database.write() as transaction:
        asked = await transaction.challenges.take(challenge_id(challenge), PURPOSE, tools.clock.now())
    if asked is None or asked.identity_id != call.caller.identity.id:
        raise refused()
    return tools.relying_party.registered(new.credential, challenge)


@use_case(
    "factors.passkeys.begin",
    permission=None,
    reach=Reach.SELF,
    changes=True,
    fresh=True,
    first=_relying_party,
)
async def begin_passkey(work: Work, _nothing: None) -> PasskeyOptions:
    """Ask for a passkey: gives the options with which a browser has a device make one, within five minutes.

    Raises `IllegalTransition` for who has twenty already.
    """
    person = await own_person(work)
    passkeys = await work.transaction.passkeys.of(person.identity.id)
    _require_room(passkeys)
    relying_party: RelyingParty = work.prepared
    challenge = new_challenge()
    expires_at = work.now + ANSWER_WITHIN
    await work.transaction.challenges.add(
        Challenge(
            id=challenge_id(challenge),
            purpose=PURPOSE,
            identity_id=person.identity.id,
            payload="",
            expires_at=expires_at,
        )
    )
    work.record("factor.begin", "identity", person.identity.id, {"factor": Change(None, PASSKEY)})
    return PasskeyOptions(relying_party.registration_options(person, passkeys, challenge), expires_at)


@use_case(
    "factors.passkeys.add", permission=None, reach=Reach.SELF, changes=True, fresh=True, first=_registered
)
async def add_passkey(work: Work, new: NewPasskey) -> Passkey:
    """Add the passkey that a device made in answer to a challenge.

    Raises `PasskeyRefused`, `FactorExists` for one that is there already, and `IllegalTransition` for who has
    twenty.
    """
    person = await own_person(work)
    _require_room(await work.transaction.passkeys.of(person.identity.id))
    registered: Registered = work.prepared
    passkey = Passkey(
        id=new_id("pky"),
        identity_id=person.identity.id,
        credential_id=registered.credential_id,
        public_key=registered.public_key,
        sign_count=registered.sign_count,
        name=checks.name(new.name),
        transports=registered.transports,
        created_at=work.now,
    )
    await work.transaction.passkeys.add(passkey)
    changes = {"factor": Change(None, PASSKEY), "name": Change(None, passkey.name)}
    work.record("factor.add", "passkey", passkey.id, changes)
    return passkey


@use_case("factors.passkeys.rename", permission=None, reach=Reach.SELF, changes=True, fresh=True)
async def rename_passkey(work: Work, wanted: PasskeyName) -> Passkey:
    """Call one of one's own passkeys something else."""
    passkey = await _own_passkey(work, wanted.id)
    name = checks.name(wanted.name)
    await work.transaction.passkeys.rename(passkey.identity_id, passkey.id, name)
    work.record("factor.update", "passkey", passkey.id, {"name": Change(passkey.name, name)})
    return await _own_passkey(work, passkey.id)


@use_case("factors.passkeys.remove", permission=None, reach=Reach.SELF, changes=True, fresh=True)
async def remove_passkey(work: Work, wanted: PasskeyId) -> None:
    """Take one of one's own passkeys away. With the last second factor go the recovery codes."""
    passkey = await _own_passkey(work, wanted.id)
    await work.transaction.passkeys.remove(passkey.identity_id, passkey.id)
    await recovery.take_if_last(work, passkey.identity_id)
    changes = {"factor": Change(PASSKEY, None), "name": Change(passkey.name, None)}
    work.record("factor.remove", "passkey", passkey.id, changes)


async def _own_passkey(work: Work, passkey_id: str) -> Passkey:
    person = await own_person(work)
    found = await work.transaction.passkeys.by_id(person.identity.id, passkey_id)
    if found is None:
        raise NotFound("You have no such passkey.")
    return found


def _require_room(passkeys: tuple[Passkey, ...]) -> None:
    if len(passkeys) >= MAX_PASSKEYS:
        raise IllegalTransition(f"A person has at most {MAX_PASSKEYS} passkeys. Remove one first.")
