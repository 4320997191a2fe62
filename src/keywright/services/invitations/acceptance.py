"""Accepting an invitation: by whoever holds its link, once, in one transaction or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core import checks, passwords, people
from keywright.core.audit import Actor, ActorKind, AuditEntry, Change
from keywright.core.errors import (
    InvalidValue,
    InvitationExpired,
    InvitationUsed,
    MissingField,
    NotFound,
    PermissionDenied,
)
from keywright.core.identities import Grant, Identity, IdentityKind, grants_in, role_set
from keywright.core.ids import new_id
from keywright.core.invitations import InvitationState
from keywright.core.permissions import Policies
from keywright.core.roles import built_in
from keywright.core.tokens import INVITATION_PREFIX, Form, digest, form_of
from keywright.services import throttle
from keywright.services.invitations.shapes import Accepted
from keywright.services.memberships import plain_grant
from keywright.storage.people import Person

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import HeldRole
    from keywright.core.invitations import Invitation
    from keywright.services.callers import Caller
    from keywright.services.invitations.shapes import Acceptance
    from keywright.services.tools import Tools
    from keywright.storage import Transaction

_UNKNOWN = "No such invitation."
_OVER = "The invitation has ended or was taken back. Ask for another."
_USED = "The invitation was accepted before; it works once."
_FOR_NOBODY_ELSE = "You are logged in: the invitation is accepted for you, with the token alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who accepts: somebody who is logged in, or (`caller` None) not, from where, in which request."""

    caller: Caller | None = None
    ip: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Who accepted, and what came of it, with what the trail says of that."""

    accepted: Accepted
    changes: dict[str, Change]


async def accept(tools: Tools, wanted: Acceptance, visitor: Visitor) -> Accepted:
    """Accept an invitation: as a new person, or as who is logged in; or set the new password that it is for.

    A role that is gone since, or that its giver could not give any more, is left out, and the answer says
    so. Raises `NotFound` for an unknown token,
    `InvitationExpired` also for one that was taken back, `InvitationUsed`, `LoginTaken`, `WeakPassword`,
    `MissingField`, `TooManyAttempts` after many unknown tokens from one address, and `PermissionDenied` for an
    API key, which is no person.
    """
    if visitor.caller is not None and visitor.caller.session is None:
        raise PermissionDenied("A person accepts an invitation; an API key may not.")
    invitation = await _found(tools, wanted.token, visitor)
    newcomer = None
    if visitor.caller is None or invitation.identity_id is not None:
        newcomer = await _password_hash(tools, invitation, wanted)
    elif (wanted.login, wanted.name, wanted.password) != (None, None, None):
        raise InvalidValue(_FOR_NOBODY_ELSE, field="token")
    now = tools.clock.now()
    async with tools.database.write() as transaction:
        # Again, and locked: of two at once the second finds it used.
        invitation = _usable(
            await transaction.all_invitations.by_digest(digest(wanted.token), lock=True), now
        )
        if newcomer is None:
            assert visitor.caller is not None  # noqa: S101 - else there is a password
            outcome = await _join(transaction, invitation, visitor.caller.identity, now)
        elif invitation.identity_id is not None:
            outcome = await _reset(transaction, invitation, invitation.identity_id, newcomer, now)
        else:
            outcome = await _arrive(transaction, invitation, wanted, newcomer, now)
        identity = outcome.accepted.identity
        await transaction.all_invitations.accept(invitation.id, identity.id, now)
        entry = _entry(invitation, identity, visitor, outcome.changes, now)
        await transaction.audit(invitation.tenant_id).add(entry)
        # A new person has no keys yet that any node could know.
        widened = newcomer is None and bool(outcome.accepted.given)
        epoch = await transaction.changes.add([identity.id], now) if widened else None
    if epoch is not None:
        await tools.receipts.wait(epoch, wait=True)
    return outcome.accepted


async def _found(tools: Tools, token: str, visitor: Visitor) -> Invitation:
    subjects = throttle.address(visitor.ip)
    ours = token.startswith(f"{INVITATION_PREFIX}_") and form_of(token) is Form.CHECKED
    async with tools.database.read() as transaction:
        await tools.throttle.check(transaction, subjects)
        found = await transaction.all_invitations.by_digest(digest(token)) if ours else None
    if found is None:
        async with tools.database.write() as transaction:
            await tools.throttle.failed(transaction, subjects)
    return _usable(found, tools.clock.now())


def _usable(found: Invitation | None, now: datetime) -> Invitation:
    if found is None:
        raise NotFound(_UNKNOWN, field="token")
    match found.state(now):
        case InvitationState.OPEN:
            return found
        case InvitationState.ACCEPTED:
            raise InvitationUsed(_USED)
        case _:
            raise InvitationExpired(_OVER)


async def _password_hash(tools: Tools, invitation: Invitation, wanted: Acceptance) -> str:
    """The hash of the password that is chosen, before any transaction, since it takes long."""
    if wanted.password is None:
        raise MissingField("Choose a password.", field="password")
    if invitation.identity_id is not None and (wanted.login, wanted.name) != (None, None):
        raise InvalidValue("This link sets a password alone; login and name stay.", field="token")
    about = (wanted.login, invitation.login, invitation.email, wanted.name, invitation.name)
    passwords.check(wanted.password, about=[text for text in about if text is not None])
    return await tools.passwords.hash(wanted.password)


async def _arrive(
    transaction: Transaction, invitation: Invitation, wanted: Acceptance, password_hash: str, now: datetime
) -> _Outcome:
    """A new person comes in."""
    login = invitation.login if wanted.login is None else people.login_name(wanted.login)
    if login is None:
        raise MissingField("Choose a login name.", field="login")
    identity = Identity(
        id=new_id("idn"),
        kind=IdentityKind.USER,
        name=invitation.name if wanted.name is None else checks.name(wanted.name),
        active=True,
        tenant_id=None,
        created_at=now,
    )
    await transaction.people.add(Person(identity, login, password_hash, invitation.email))
    outcome = await _take_roles(transaction, invitation, Person(identity, login, None), now)
    changes = {
        "name": Change(None, identity.name),
        "login": Change(None, login),
        "email": Change(None, invitation.email),
    }
    return _Outcome(outcome.accepted, changes | outcome.changes)


async def _join(
    transaction: Transaction, invitation: Invitation, identity: Identity, now: datetime
) -> _Outcome:
    """Somebody who is here already gets the roles beside those that they hold."""
    person = await transaction.people.by_id(identity.id)
    if person is None:
        raise NotFound(_UNKNOWN, field="token")
    return await _take_roles(transaction, invitation, person, now)


async def _take_roles(
    transaction: Transaction, invitation: Invitation, person: Person, now: datetime
) -> _Outcome:
    # A tenant that is deleted takes its invitations back.
    tenant_id = invitation.tenant_id
    tenant = None if tenant_id is None else await transaction.tenants.by_id(tenant_id)
    memberships = transaction.memberships(tenant_id)
    already = {one.grant.role for one in await memberships.of([person.identity.id])}
    giver = await _held_by_maker(transaction, invitation)
    given: list[Grant] = []
    held: list[str] = []
    skipped: list[str] = []
    for promised in invitation.memberships:
        grant = await _grant(transaction, tenant_id, promised)
        if grant is not None and grant.role in already:
            held.append(grant.role)
        elif grant is None or giver.first_uncovered(role_set((grant,)).policies.policies) is not None:
            skipped.append(promised.role)
        else:
            await memberships.add(person.identity.id, grant, now, created_by=invitation.created_by)
            given.append(grant)
    changes = {"memberships": Change(None, [plain_grant(grant) for grant in given])}
    if skipped:
        changes["skipped"] = Change(None, skipped)
    accepted = Accepted(person.identity, person.login, tenant, tuple(given), tuple(held), tuple(skipped))
    return _Outcome(accepted, changes)


async def _held_by_maker(transaction: Transaction, invitation: Invitation) -> Policies:
    """What the maker of an invitation may do now where it leads: what was taken from it cannot come back by it."""
    maker = await transaction.identities.by_id(invitation.created_by or "")
    if maker is None or not maker.active:
        return Policies(())
    grants = await transaction.all_memberships.grants(maker.id)
    return role_set(grants_in(grants, invitation.tenant_id)).policies


async def _grant(transaction: Transaction, tenant_id: str | None, promised: HeldRole) -> Grant | None:
    """What an invitation promised, as far as it is there still: the role, and the values of its variables."""
    found = (
        None if tenant_id is None else await transaction.roles(tenant_id).by_name(promised.role, lock=True)
    )
    defined = None if found is None else found.role
    role = defined or built_in(promised.role, tenant_id)
    if role is None:
        return None
    known = {variable.name for variable in role.variables}
    values = tuple((name, given) for name, given in promised.variables if name in known)
    return Grant(promised.role, tenant_id, values, defined)


async def _reset(
    transaction: Transaction, invitation: Invitation, identity_id: str, password_hash: str, now: datetime
) -> _Outcome:
    """A person gets the new password, every session ends, and where the link says so the second factors go."""
    person = await transaction.people.by_id(identity_id, lock=True)
    if person is None or not await _may_still_reset(transaction, invitation, identity_id):
        raise InvitationExpired(_OVER)
    await transaction.people.set_password(identity_id, password_hash)
    if invitation.ends_factors:
        await transaction.people.end_factors(identity_id)
    ended = await transaction.sessions.end_others(identity_id, None, now)
    changes = {
        "password": Change(None, "set"),
        "factors_ended": Change(None, invitation.ends_factors),
        "sessions_ended": Change(None, ended),
    }
    return _Outcome(Accepted(person.identity, person.login, None), changes)


async def _may_still_reset(transaction: Transaction, invitation: Invitation, identity_id: str) -> bool:
    """Whether the maker of a link still holds all that the person holds, who may have been given more since.

    Otherwise a link that is made early and used late would be a way to rights that nobody gave.
    """
    maker = await transaction.identities.by_id(invitation.created_by or "")
    if maker is None or not maker.active:
        return False
    own = await transaction.all_memberships.grants(maker.id)
    theirs = await transaction.all_memberships.grants(identity_id)
    return all(
        role_set(grants_in(own, place)).policies.first_uncovered(
            role_set(grants_in(theirs, place)).policies.policies
        )
        is None
        for place in {None, *(grant.tenant_id for grant in theirs)}
    )


def _entry(
    invitation: Invitation, identity: Identity, visitor: Visitor, changes: dict[str, Change], now: datetime
) -> AuditEntry:
    caller = visitor.caller
    actor = Actor(kind=ActorKind.SYSTEM, identity_id=identity.id)
    return AuditEntry(
        id=new_id("aud"),
        at=now,
        tenant_id=invitation.tenant_id,
        actor=actor if caller is None else caller.actor,
        action="invitation.accept",
        target_type="invitation",
        target_id=invitation.id,
        ip=visitor.ip,
        request_id=visitor.request_id,
        changes={"identity_id": Change(None, identity.id)} | changes,
    )
