"""The use cases of people: in a tenant, where they hold a role, and over the installation, where they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import UNSET

from keywright.core import checks, passwords, people
from keywright.core.audit import Change
from keywright.core.identities import Identity, IdentityKind
from keywright.core.ids import new_id
from keywright.core.invitations import Invitation
from keywright.services import cursors, replays
from keywright.services.invitations import InvitationView, Invited
from keywright.services.invitations.letters import send
from keywright.services.invitations.use_cases import issue, lifetime
from keywright.services.limits import given_limits, identity_changes, raises_limits
from keywright.services.memberships import keep_an_administrator, plain_grant
from keywright.services.users.rules import changeable, known_person, spare_own_key, views
from keywright.services.users.shapes import CreatedUser, UserList
from keywright.services.work import Reach, use_case
from keywright.storage.people import Person

if TYPE_CHECKING:
    from keywright.services.tools import Tools
    from keywright.services.users.shapes import ListUsers, NewUser, UserChanges, UserId, UserReset, UserView
    from keywright.services.work import Call, Work

_ORDER = "users.id"
_CREATE = "identities:create"


async def _password_hash(tools: Tools, call: Call, new: NewUser) -> str | None:
    """The hash of the password, before the transaction, since it takes long; not for who may make nobody."""
    if new.password is None or not call.caller.may(None, _CREATE):
        return None
    about = (new.login, new.email, new.name)
    passwords.check(new.password, about=[text for text in about if text is not None])
    return await tools.passwords.hash(new.password)


@use_case("users.create", permission=_CREATE, reach=Reach.INSTALLATION, changes=True, first=_password_hash)
async def create_user(work: Work, new: NewUser) -> CreatedUser:
    """Make a person, who holds no role yet. Raises `LoginTaken` and `WeakPassword`."""
    # The password is left out: no fast hash of it is to be stored.
    asked = replace(new, password=None)
    made = await replays.find(work, "users.create", asked)
    if made is not None:
        work.nothing_changed = True
        found = await work.transaction.people.by_id(made)
        if found is None:
            raise replays.gone()
        return CreatedUser((await views(work, [found]))[0], replayed=True)
    identity = Identity(
        id=new_id("idn"),
        kind=IdentityKind.USER,
        name=checks.name(new.name),
        active=True,
        tenant_id=None,
        created_at=work.now,
        limits=checks.limits(new.limits),
    )
    email = None if new.email is None else people.email(new.email)
    person = Person(identity, people.login_name(new.login), work.prepared, email)
    await replays.remember(work, "users.create", asked, identity.id)
    await work.transaction.people.add(person)
    changes = {
        "name": Change(None, identity.name),
        "login": Change(None, person.login),
        "email": Change(None, person.email),
    }
    work.record("user.create", "identity", identity.id, changes | given_limits(identity))
    return CreatedUser((await views(work, [person]))[0])


@use_case("users.get", permission="identities:read", reach=Reach.EITHER)
async def get_user(work: Work, wanted: UserId) -> UserView:
    """One person: of those with a role in the tenant, or of all."""
    return (await views(work, [await known_person(work, wanted.id)]))[0]


@use_case("users.list", permission="identities:read", reach=Reach.EITHER)
async def list_users(work: Work, wanted: ListUsers) -> UserList:
    """A page of the people with a role in the tenant, or of all, in the order in which they were made.

    By a login name or an e-mail address, compared as at a login, one finds who has it. Two may be found: whose
    login name it is, and whose address; by it the former logs in. A search finds by how names, login names and
    addresses begin, and by a whole id; letter case does not count, and a search for nothing finds everybody.
    Raises `InvalidValue` and, for a search that holds a token, `SecretInText`.
    """
    cursors.sound_limit(wanted.limit)
    page = await work.transaction.people.page(
        work.tenant_id,
        login=None if wanted.login is None else people.fold_login(wanted.login),
        search=None if wanted.search is None else checks.search(wanted.search),
        limit=wanted.limit,
        after=cursors.after(_ORDER, wanted.cursor, type(None)),
    )
    return cursors.listed(_ORDER, page, await views(work, page.items))


@use_case("users.remove", permission="identities:delete", changes=True, touches=True)
async def remove_user(work: Work, wanted: UserId) -> None:
    """Take a person out of the tenant: all roles there, the keys there, and the invitations that are still open.

    The person stays, with what they are elsewhere. Raises `LastAdministrator`.
    """
    identity = (await known_person(work, wanted.id)).identity
    tenant_id = work.tenant.id
    memberships = work.transaction.memberships(tenant_id)
    held = await memberships.of([identity.id])
    await keep_an_administrator(work, held)
    keys = await work.transaction.keys(tenant_id).owned_by(identity.id)
    spare_own_key(work, keys)
    await memberships.remove([one.id for one in held])
    await work.transaction.keys(tenant_id).delete(keys, work.now)
    work.touch(identity.id)
    # Otherwise somebody who was sent away could come back by an invitation of their own making.
    await work.transaction.invitations(tenant_id).revoke_made_by(identity.id, work.now)
    changes = {
        "memberships": Change([plain_grant(one.grant) for one in held], None),
        "keys": Change(list(keys), None),
    }
    work.record("user.remove", "identity", identity.id, changes)


@use_case(
    "users.update", permission="identities:update", reach=Reach.INSTALLATION, changes=True, touches=True
)
async def update_user(work: Work, wanted: UserChanges) -> UserView:
    """Change a person's name, e-mail address or limits, disable them, which ends their sessions, or enable them.

    Only for who holds everything that the person holds. Changing nothing is allowed and leaves no trace.
    Raises `LoginTaken` and `LastAdministrator`.
    """
    before, held = await changeable(work, wanted.id)
    identity, address = before.identity, before.email
    if wanted.name is not UNSET:
        identity = replace(identity, name=checks.name(wanted.name))
    if wanted.email is not UNSET:
        address = None if wanted.email is None else people.email(wanted.email)
    if wanted.active is not UNSET:
        identity = replace(identity, active=wanted.active)
    if wanted.limits is not UNSET:
        identity = replace(identity, limits=checks.limits(wanted.limits))
    after = replace(before, identity=identity, email=address)
    if after == before:
        work.nothing_changed = True
        return (await views(work, [before]))[0]
    raises_limits(work, before.identity, identity)
    if before.identity.active and not identity.active:
        await keep_an_administrator(work, held)
        await work.transaction.sessions.end_others(identity.id, None, work.now)
        await work.transaction.all_invitations.revoke_made_by(identity.id, work.now)
    if identity != before.identity:
        await work.transaction.identities.change(identity)
        work.touch(identity.id)
    if address != before.email:
        await work.transaction.people.set_email(identity.id, address)
    changes = identity_changes(before.identity, identity)
    if address != before.email:
        changes["email"] = Change(before.email, address)
    work.record("user.update", "identity", identity.id, changes)
    return (await views(work, [after]))[0]


@use_case(
    "users.delete", permission="identities:delete", reach=Reach.INSTALLATION, changes=True, touches=True
)
async def delete_user(work: Work, wanted: UserId) -> None:
    """Delete a person for good: roles, keys, sessions, second factors and sign-on, everywhere.

    Only for who holds everything that the person holds. Raises `LastAdministrator`.
    """
    person, held = await changeable(work, wanted.id)
    identity_id = person.identity.id
    await keep_an_administrator(work, held)
    transaction = work.transaction
    keys = await transaction.all_keys.delete_of(identity_id, work.now)
    spare_own_key(work, keys)
    await transaction.sessions.end_others(identity_id, None, work.now)
    await transaction.all_invitations.revoke_for(identity_id, work.now)
    await transaction.all_invitations.revoke_made_by(identity_id, work.now)
    await transaction.people.delete(identity_id)
    await transaction.identities.delete(identity_id, work.now)
    work.touch(identity_id)
    changes = {"login": Change(person.login, None), "keys": Change(list(keys), None)}
    work.record("user.delete", "identity", identity_id, changes)


@use_case("users.reset", permission="identities:update", reach=Reach.INSTALLATION, changes=True, after=send)
async def reset_user(work: Work, wanted: UserReset) -> Invited:
    """Make a link by which a person sets a new password; with `factors` the second factors go with the old one.

    Nothing changes before the link is used, and then all sessions of the person end. Earlier links to the
    person are taken back. Only for who holds everything that the person holds, also when it is used.
    """
    person, _ = await changeable(work, wanted.id)
    invitations = work.transaction.all_invitations
    made = await replays.find(work, "users.reset", wanted)
    if made is not None:
        work.nothing_changed = True
        found = await work.transaction.invitations(None).by_id(made)
        if found is None:
            raise replays.gone()
        maker = work.caller.identity
        return Invited(InvitationView(found, found.state(work.now), None, maker), None, replayed=True)
    invitation = Invitation(
        id=new_id("inv"),
        tenant_id=None,
        identity_id=person.identity.id,
        login=person.login,
        email=person.email,
        name=person.identity.name,
        memberships=(),
        ends_factors=wanted.factors,
        created_at=work.now,
        created_by=work.caller.identity.id,
        expires_at=work.now + lifetime(wanted.expires_in_days),
    )
    await replays.remember(work, "users.reset", wanted, invitation.id)
    await invitations.revoke_for(person.identity.id, work.now)
    changes = {
        "identity_id": Change(None, person.identity.id),
        "factors": Change(None, wanted.factors),
        "expires_at": Change(None, invitation.expires_at.isoformat()),
    }
    return await issue(work, invitation, "user.reset", changes)
