"""Between the shapes of REST and the values of the services: pure functions, both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from keywright.api.rest import models
from keywright.services.keys import KeyChanges, KeyQuestion, KeyTransfer, NewKey
from keywright.services.limits import CreditsInput, LimitInput, RefillInput
from keywright.services.memberships import RoleInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.core.identities import HeldRole, Identity
    from keywright.core.limits import Credits, Limit
    from keywright.core.permissions import Policy
    from keywright.core.roles import Values
    from keywright.services.keys import (
        CreatedKey,
        KeyList,
        KeyView,
        PolicyInput,
        TransferredKey,
    )
    from keywright.services.sessions import LoggedIn
    from keywright.services.whoami import Holder

_HASHED = "The token's hash was given, so there is no token to show."
_REPLAYED = "This key was made before under the same Idempotency-Key; its token cannot be shown again."


def new_key(body: models.KeyIn) -> NewKey:
    """What a creation asks for."""
    return any_new_key(body, body.token_hash, body.tenant)


def any_new_key(body: models.NewKeyIn, token_hash: str | None, tenant: str | None = None) -> NewKey:
    """What every creation asks for."""
    return NewKey(
        name=body.name,
        description=body.description,
        handle=body.handle,
        scope=policies(body.scope),
        not_before=body.not_before,
        expires_at=body.expires_at,
        allowed_cidrs=None if body.allowed_cidrs is None else tuple(body.allowed_cidrs),
        metadata=body.metadata,
        limits=None if body.limits is None else limits(body.limits),
        credits=_credits(body.credits),
        prefix=body.prefix,
        token_hash=token_hash,
        tenant=tenant,
        identity_id=body.identity_id,
        memberships=None if body.memberships is None else given_roles(body.memberships),
        template=body.template,
    )


def given_roles(roles: Sequence[models.GivenRoleIn]) -> tuple[RoleInput, ...]:
    """Roles to be given, as the services take them."""
    return tuple(RoleInput(one.role, variables(one.variables)) for one in roles)


def variables(given: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Values of variables, as the services take them."""
    return {name: tuple(values) for name, values in given.items()}


def limits(given: Sequence[models.LimitIn]) -> tuple[LimitInput, ...]:
    """Limits as the services take them."""
    return tuple(LimitInput(one.name, one.limit, one.window_seconds) for one in given)


def _credits(given: models.CreditsIn | None) -> CreditsInput | None:
    if given is None:
        return None
    refill = given.refill
    return CreditsInput(given.remaining, None if refill is None else RefillInput(refill.amount, refill.every))


def key_transfer(key_id: str, body: models.KeyTransferIn) -> KeyTransfer:
    """Which key is to speak for whom."""
    return KeyTransfer(key_id, body.identity_id, body.confirm)


def key_question(key_id: str, body: models.KeyQuestionIn) -> KeyQuestion:
    """What is asked about a key."""
    return KeyQuestion(id=key_id, action=body.action, resource=body.resource, ip=body.ip, where=body.tenant)


def key_changes(key_id: str, body: models.KeyPatch) -> KeyChanges:
    """What a change asks for: only the fields that were sent."""
    sent: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if sent.get("scope") is not None:
        sent["scope"] = policies(body.scope)
    if sent.get("allowed_cidrs") is not None:
        sent["allowed_cidrs"] = tuple(sent["allowed_cidrs"])
    if sent.get("limits") is not None:
        sent["limits"] = limits(sent["limits"])
    if sent.get("credits") is not None:
        sent["credits"] = _credits(body.credits)
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
        scope=None if it.scope is None else shown_policies(it.scope),
        allowed_cidrs=None if it.allowed_cidrs is None else [str(one) for one in it.allowed_cidrs],
        metadata=json.loads(it.metadata),
        limits=None if it.limits is None else shown_limits(it.limits),
        credits=None if it.credits is None else _shown_credits(it.credits),
        not_before=it.not_before,
        expires_at=it.expires_at,
        created_at=it.created_at,
        created_by=it.created_by,
        last_used_at=it.last_used_at,
        last_used_ip=it.last_used_ip,
    )


def shown_limits(shown: Sequence[Limit]) -> list[models.LimitOut]:
    """Limits."""
    return [
        models.LimitOut(name=one.name, limit=one.limit, window_seconds=one.window_seconds) for one in shown
    ]


def _shown_credits(shown: Credits) -> models.CreditsOut:
    refill = shown.refill
    return models.CreditsOut(
        remaining=shown.remaining,
        refill=None if refill is None else models.RefillOut(amount=refill.amount, every=refill.every.value),
        refill_at=shown.refill_at,
    )


def shown_policies(shown: Sequence[Policy]) -> list[models.PolicyOut]:
    """Policies."""
    return [models.PolicyOut.model_validate(plain(one.to_plain())) for one in shown]


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


def transferred_key(result: TransferredKey) -> models.KeyTransferOut:
    """A key with its new owner, or as it would be."""
    return models.KeyTransferOut(
        key=key(result.view),
        confirmed=result.confirmed,
        gained=shown_policies(result.gained),
        lost=shown_policies(result.lost),
    )


def key_list(listed: KeyList) -> models.KeyListOut:
    """A page of keys."""
    return models.KeyListOut(items=[key(view) for view in listed.items], next_cursor=listed.next_cursor)


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
        password_change_due=value.user is not None and value.user.password_change_due,
    )


def held_role(held: HeldRole) -> models.RoleOut:
    """A role with the values of its variables."""
    return models.RoleOut(role=held.role, variables=shown_values(held.variables))


def shown_values(values: Values) -> dict[str, list[str]]:
    """The values of variables by their names."""
    return {name: list(given) for name, given in values}
