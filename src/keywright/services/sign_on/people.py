"""Who somebody from an identity provider is here: found, linked or made, and with the roles of the groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core.audit import SYSTEM, AuditEntry, Change
from keywright.core.errors import SignOnFailed
from keywright.core.identities import Grant, Identity, IdentityKind
from keywright.core.ids import new_id
from keywright.core.people import MAX_LOGIN
from keywright.core.roles import MAX_EXPANDED, built_in
from keywright.core.sign_on import RoleRule, difference, mapped_roles
from keywright.ops.logging import get_logger
from keywright.services.memberships import ADMINISTRATORS
from keywright.storage.people import Person

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from keywright.core.identities import Membership
    from keywright.core.roles import Role
    from keywright.core.sign_on import Claimed, MappedRole
    from keywright.storage import Transaction

_NOT_HERE = "This account may not log in here."

log = get_logger("keywright.sign_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a login through the provider does here."""

    groups_claim: str = "groups"
    roles: tuple[RoleRule, ...] = ()
    create_users: bool = True
    link_by_email: bool = False


@dataclass(slots=True, kw_only=True)
class Arrival:
    """One login of somebody, in its transaction; `changes` are what it changed, for the audit trail.

    `regranted` says that roles of somebody who was here already came, changed or went.
    """

    transaction: Transaction
    rules: Rules
    claimed: Claimed
    now: datetime
    changes: dict[str, Change] = field(default_factory=dict)
    regranted: bool = False

    async def person(self) -> Identity:
        """The person whose account this is, with the roles of its groups.

        Raises `SignOnFailed` for one who is disabled or deleted, and for a stranger where none are made;
        `LinkRace` and `LoginTaken` when another transaction was faster.
        """
        links = self.transaction.external_identities
        identity_id = await links.find(self.claimed.issuer, self.claimed.subject)
        known = identity_id is not None
        if identity_id is None:
            identity_id = await self._by_email()
        if identity_id is None:
            identity = await self._made()
        else:
            # Locked, so that of two logins at once the second sees what the first has given.
            person = await self.transaction.people.by_id(identity_id, lock=True)
            if person is None or not person.identity.active:
                raise _refused("the person is disabled or deleted")
            identity = person.identity
        if not known:
            await links.add(self.claimed.issuer, self.claimed.subject, identity.id, self.now)
            self.changes["external_identity"] = Change(None, self.claimed.issuer)
        await self._give_roles(identity)
        self.regranted = identity_id is not None and "memberships" in self.changes
        return identity

    def entry(self, identity: Identity, *, ip: str | None, request_id: str | None) -> AuditEntry:
        """What this login changed, as an audit entry. Keywright itself acts, by its settings."""
        return AuditEntry(
            id=new_id("aud"),
            at=self.now,
            tenant_id=None,
            actor=SYSTEM,
            action="user.sign_on",
            target_type="identity",
            target_id=identity.id,
            ip=ip,
            request_id=request_id,
            changes=self.changes,
        )

    async def _by_email(self) -> str | None:
        """The person with this verified address, who is no account of the provider yet.

        Whoever is one already stays that one: addresses are given anew to others, and subjects are not.
        """
        email = self.claimed.email
        if not self.rules.link_by_email or email is None:
            return None
        person = await self.transaction.people.by_login(email)
        if person is None:
            return None
        linked = await self.transaction.external_identities.linked(self.claimed.issuer, person.identity.id)
        return None if linked else person.identity.id

    async def _made(self) -> Identity:
        if not self.rules.create_users:
            raise _refused("nobody has this account, and none is made")
        people = self.transaction.people
        email = self.claimed.email
        if email is not None and await people.by_login(email) is not None:
            email = None
        identity = Identity(
            id=new_id("idn"),
            kind=IdentityKind.USER,
            name=self.claimed.name,
            active=True,
            tenant_id=None,
            created_at=self.now,
        )
        login = await self._free_login()
        await people.add(Person(identity, login, None, email))
        self.changes |= {"name": Change(None, identity.name), "login": Change(None, login)}
        if email is not None:
            self.changes["email"] = Change(None, email)
        return identity

    async def _free_login(self) -> str:
        """The login name that was claimed, or that with the first number that makes it free."""
        login, number = self.claimed.login, 1
        while await self.transaction.people.by_login(login) is not None:
            number += 1
            ending = f"-{number}"
            login = self.claimed.login[: MAX_LOGIN - len(ending)] + ending
        return login

    async def _give_roles(self, identity: Identity) -> None:
        held = await self.transaction.all_memberships.of(identity.id)
        wanted = [
            grant
            for one in mapped_roles(self.rules.roles, self.claimed.groups)
            if (grant := await self._grant(one)) is not None
        ]
        change = difference(held, wanted)
        removed = [one for one in change.remove if not await self._is_last(one)]
        for grant in change.add:
            await self.transaction.memberships(grant.tenant_id).add(
                identity.id, grant, self.now, by_sign_on=True
            )
        for membership, values in change.change:
            await self.transaction.memberships(membership.grant.tenant_id).set_variables(
                membership.id, values
            )
        for membership in removed:
            await self.transaction.memberships(membership.grant.tenant_id).remove([membership.id])
        if change.add or change.change or removed:
            after = await self.transaction.all_memberships.of(identity.id)
            self.changes["memberships"] = Change(_plain(held), _plain(after))

    async def _grant(self, mapped: MappedRole) -> Grant | None:
        """The grant that a rule means; None, and a line in the log, where there is no such thing to give."""
        tenant_id, defined = None, None
        if mapped.tenant is not None:
            tenant = await self.transaction.tenants.by_slug(mapped.tenant)
            if tenant is None:
                _skipped(mapped, "there is no such tenant")
                return None
            tenant_id = tenant.id
            found = await self.transaction.roles(tenant_id).by_name(mapped.role, lock=True)
            defined = None if found is None else found.role
        role = defined or built_in(mapped.role, tenant_id)
        if role is None:
            _skipped(mapped, "there is no such role")
            return None
        if not _fits(role, mapped):
            _skipped(mapped, "the role's variables are others, or have too many values")
            return None
        return Grant(mapped.role, tenant_id, mapped.variables, defined)

    async def _is_last(self, membership: Membership) -> bool:
        """Whether nobody else administers the tenant or the installation; then the role is kept."""
        grant = membership.grant
        kinds = ADMINISTRATORS.get(grant.role)
        if kinds is None:
            return False
        holders = await self.transaction.memberships(grant.tenant_id).holders(grant.role, kinds)
        last = set(holders) == {membership.id}
        if last:
            log.warning("last_administrator_kept", identity=membership.identity_id, tenant=grant.tenant_id)
        return last


def _fits(role: Role, mapped: MappedRole) -> bool:
    names = {variable.name for variable in role.variables}
    return names == {name for name, _ in mapped.variables} and role.size(mapped.variables) <= MAX_EXPANDED


def _skipped(mapped: MappedRole, reason: str) -> None:
    log.warning("mapped_role_skipped", role=mapped.role, tenant=mapped.tenant, reason=reason)


def _refused(reason: str) -> SignOnFailed:
    log.warning("sign_on_refused", reason=reason)
    return SignOnFailed(_NOT_HERE)


def _plain(held: Sequence[Membership]) -> list[dict[str, object]]:
    """The roles that sign-on gave, as plain JSON values."""
    return [
        {
            "tenant_id": one.grant.tenant_id,
            "role": one.grant.role,
            "variables": {name: list(values) for name, values in one.grant.variables},
        }
        for one in held
        if one.by_sign_on
    ]
