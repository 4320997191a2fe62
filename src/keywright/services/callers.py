"""Callers: who is asking, by what credential, and what they may do through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core.audit import Actor, ActorKind
from keywright.core.errors import BeyondOwnRights
from keywright.core.identities import grants_in, role_set
from keywright.core.permissions import Policies, compile_policies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.identities import Grant, Identity, Tenant
    from keywright.core.keys import UsedKey
    from keywright.core.permissions import Policy
    from keywright.core.ports import KeyFacts
    from keywright.core.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whose credential was accepted: exactly one of `key` and `session` is set.

    `bound` is the tenant that the credential is confined to; a session and a global key are confined to none. `facts`
    are what the key was judged by, where what it may do is compiled already. `password_change_due` says of a person
    that the password is one that Keywright generated.
    """

    identity: Identity
    grants: tuple[Grant, ...]
    key: UsedKey | None = None
    bound: Tenant | None = None
    session: Session | None = None
    facts: KeyFacts | None = field(default=None, repr=False, compare=False)
    password_change_due: bool = False

    @property
    def credential_id(self) -> str:
        """The id of the key or the session."""
        credential = self.key or self.session
        assert credential is not None  # noqa: S101 - a caller is made from one of the two
        return credential.id

    @property
    def actor(self) -> Actor:
        """The caller as the audit trail names it."""
        return Actor(
            kind=ActorKind.KEY if self.key is not None else ActorKind.SESSION,
            identity_id=self.identity.id,
            key_id=None if self.key is None else self.key.id,
            session_id=None if self.session is None else self.session.id,
        )

    @property
    def roles_everywhere(self) -> tuple[str, ...]:
        """The roles held over the whole installation, unless the credential is confined to a tenant."""
        return () if self.bound is not None else tuple(g.role for g in grants_in(self.grants, None))

    @property
    def tenant_ids(self) -> frozenset[str]:
        """The tenants in which the identity holds a role."""
        return frozenset(grant.tenant_id for grant in self.grants if grant.tenant_id is not None)

    def sees(self, tenant_id: str) -> bool:
        """Whether the caller may know that a tenant exists."""
        if self.bound is not None:
            return self.bound.id == tenant_id
        return self.sees_every_tenant or tenant_id in self.tenant_ids

    @property
    def sees_every_tenant(self) -> bool:
        """Whether the caller may know of every tenant: a role held everywhere reads them, whatever its key's scope."""
        return self.bound is None and self._held(None).allows("tenants:read")

    def may(self, tenant_id: str | None, action: str, resource: str | None = None) -> bool:
        """Whether the caller may do something in a tenant, or (None) with the installation."""
        if self.bound is not None and self.bound.id != tenant_id:
            return False
        held = self._held(tenant_id).allows(action, resource)
        scope = self._scope
        return held and (scope is None or scope.allows(action, resource))

    def require_covers(
        self,
        tenant_id: str | None,
        grants: tuple[Grant, ...],
        scope: tuple[Policy, ...] | None,
        field: str = "scope",
    ) -> None:
        """Raise `BeyondOwnRights` unless a key can do no more than the caller.

        A key is confined by the roles of its owner and by its scope. The caller's roles must cover either of
        them; the caller's own scope must cover the key's, since the owner's roles may grow. A global key
        (`tenant_id` None) is judged in every tenant in which its owner holds a role.
        """
        places = {tenant_id} if tenant_id is not None else {None, *(grant.tenant_id for grant in grants)}
        theirs: list[Policy] = []
        for place in sorted(places, key=lambda one: one or ""):
            held = self._held(place)
            there = role_set(grants_in(grants, place)).policies.policies
            beyond = held.first_uncovered(there)
            if beyond is not None:
                _require_within(held, scope, field, beyond)
            theirs += there
        if self._scope is not None:
            _require_within(self._scope, scope, field, self._scope.first_uncovered(theirs))

    def require_holds(self, tenant_id: str | None, policies: Sequence[Policy], field: str) -> None:
        """Raise `BeyondOwnRights` unless the caller itself holds what it would hand out in a tenant or everywhere.

        Its roles and, where it calls with a key, the key's scope must cover each of the policies.
        """
        for own in (self._held(tenant_id), self._scope):
            beyond = None if own is None else own.first_uncovered(policies)
            if beyond is not None:
                raise BeyondOwnRights(
                    "This would hand out a policy that the caller does not hold itself.",
                    field=field,
                    policy=beyond,
                )

    def _held(self, tenant_id: str | None) -> Policies:
        if self.bound is not None and self.bound.id != tenant_id:
            return _NOTHING
        if self.facts is not None:
            return self.facts.held(tenant_id).policies
        return role_set(grants_in(self.grants, tenant_id)).policies

    @property
    def _scope(self) -> Policies | None:
        if self.facts is not None:
            return self.facts.narrowed
        return None if self.key is None or self.key.scope is None else compile_policies(self.key.scope)


_NOTHING = Policies(())


def _require_within(
    own: Policies, scope: tuple[Policy, ...] | None, field: str, lacking: Policy | None
) -> None:
    if scope is None:
        raise BeyondOwnRights(
            "The key needs a scope within the caller's own rights; without one it may do more than the caller.",
            field=field,
            policy=lacking,
        )
    beyond = own.first_uncovered(scope)
    if beyond is not None:
        at = f"{field}.{scope.index(beyond)}" if field == "scope" else field
        raise BeyondOwnRights(
            "The key's scope holds a policy that the caller does not hold itself.", field=at, policy=beyond
        )
