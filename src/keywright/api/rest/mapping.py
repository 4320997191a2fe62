"""Between the shapes of REST and the values of the services: pure functions, both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from keywright.api.rest import models
from keywright.services.keys import KeyChanges, NewKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.identities import HeldRole, Identity, Tenant
    from keywright.services.keys import CreatedKey, KeyList, KeyView, PolicyInput
    from keywright.services.sessions import LoggedIn
    from keywright.services.tenants import TenantList
    from keywright.services.whoami import Holder

_HASHED = "The token's hash was given, so there is no token to show."
_REPLAYED = "This key was made before under the same Idempotency-Key; its token cannot be shown again."


def new_key(body: models.KeyIn) -> NewKey:
    """What a creation asks for."""
    return NewKey(
        name=body.name,
        description=body.description,
        handle=body.handle,
        scope=policies(body.scope),
        not_before=body.not_before,
        expires_at=body.expires_at,
        allowed_cidrs=None if body.allowed_cidrs is None else tuple(body.allowed_cidrs),
        metadata=body.metadata,
        prefix=body.prefix,
        token_hash=body.token_hash,
        tenant=body.tenant,
    )


def key_changes(key_id: str, body: models.KeyPatch) -> KeyChanges:
    """What a change asks for: only the fields that were sent."""
    sent: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if sent.get("scope") is not None:
        sent["scope"] = policies(body.scope)
    if sent.get("allowed_cidrs") is not None:
        sent["allowed_cidrs"] = tuple(sent["allowed_cidrs"])
    return KeyChanges(id=key_id, **{name: sent.get(name, UNSET) for name in models.KeyPatch.model_fields})


def policies(scope: Sequence[models.PolicyIn] | None) -> tuple[PolicyInput, ...] | None:
    """A scope as the services take it."""
    if scope is None:
        return None
    return tuple(
        (tuple(one.actions), None if one.resources is None else tuple(one.resources)) for one in scope
    )


def identity(value: Identity) -> models.IdentityOut:
    """An identity."""
    return models.IdentityOut(id=value.id, kind=value.kind.value, name=value.name)


def key(view: KeyView) -> models.KeyOut:
    """A key."""
    it = view.key
    return models.KeyOut(
        id=it.id,
        name=it.name,
        description=it.description,
        handle=it.handle,
        tenant=None if view.tenant is None else view.tenant.slug,
        identity_id=it.identity_id,
        identity=None if view.owner is None else identity(view.owner),
        state=view.state.value,
        active=it.active,
        prefix=it.prefix,
        hint=it.hint,
        last_seven=it.last_seven,
        scope=None
        if it.scope is None
        else [models.PolicyOut.model_validate(plain(one.to_plain())) for one in it.scope],
        allowed_cidrs=None if it.allowed_cidrs is None else [str(one) for one in it.allowed_cidrs],
        metadata=json.loads(it.metadata),
        not_before=it.not_before,
        expires_at=it.expires_at,
        created_at=it.created_at,
        created_by=it.created_by,
        last_used_at=it.last_used_at,
        last_used_ip=it.last_used_ip,
    )


def plain(policy: dict[str, Any]) -> dict[str, Any]:
    """A policy with `resources` always there."""
    return {"resources": None, **policy}


def created_key(created: CreatedKey) -> models.CreatedKeyOut:
    """A created key; here, and only here, a token is revealed to REST."""
    note = _REPLAYED if created.replayed else _HASHED
    return models.CreatedKeyOut(
        key=key(created.view),
        token=None if created.token is None else created.token.reveal(),
        replayed=created.replayed,
        note=note if created.token is None else None,
    )


def key_list(listed: KeyList) -> models.KeyListOut:
    """A page of keys."""
    return models.KeyListOut(items=[key(view) for view in listed.items], next_cursor=listed.next_cursor)


def tenant(value: Tenant) -> models.TenantOut:
    """A tenant."""
    return models.TenantOut(
        id=value.id, slug=value.slug, name=value.name, active=value.active, created_at=value.created_at
    )


def tenant_list(listed: TenantList) -> models.TenantListOut:
    """A page of tenants."""
    return models.TenantListOut(items=[tenant(one) for one in listed.items], next_cursor=listed.next_cursor)


def session(logged_in: LoggedIn) -> models.SessionOut:
    """A fresh session; here, and only here, its token is revealed."""
    return models.SessionOut(
        id=logged_in.session.id,
        token=logged_in.token.reveal(),
        identity=identity(logged_in.identity),
        expires_at=logged_in.session.ends_at,
    )


def holder(value: Holder) -> models.WhoamiOut:
    """The holder of a credential."""
    expires_at = None if value.key is None else value.key.key.expires_at
    if value.session is not None:
        expires_at = value.session.ends_at
    return models.WhoamiOut(
        identity=identity(value.identity),
        credential="key" if value.session is None else "session",
        key=None if value.key is None else key(value.key),
        session_id=None if value.session is None else value.session.id,
        tenant=None if value.tenant is None else value.tenant.slug,
        roles=[held_role(one) for one in value.roles],
        expires_at=expires_at,
    )


def held_role(held: HeldRole) -> models.RoleOut:
    """A role with the values of its variables."""
    return models.RoleOut(role=held.role, variables={name: list(values) for name, values in held.variables})
