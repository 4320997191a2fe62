"""What the form of a new key starts with: nothing, a template of the catalog, or another key."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from keywright.console.forms import Form
from keywright.console.keys.drafts import of_key, of_template
from keywright.console.keys.spans import usual
from keywright.core.errors import NotFound
from keywright.core.identities import IdentityKind, TenantSettings
from keywright.services.keys import KeyId, get_key
from keywright.services.memberships import ListMemberships, list_memberships

if TYPE_CHECKING:
    from keywright.console.asking import Ask
    from keywright.core.catalog import Catalog
    from keywright.services.keys import KeyView


def settings_of(ask: Ask) -> TenantSettings:
    """What the page's tenant asks of its keys."""
    tenant = None if ask.place is None else ask.place.tenant
    return TenantSettings() if tenant is None else tenant.settings


def fresh(ask: Ask) -> list[tuple[str, str]]:
    """What tells one form from another: under the same word a key is made but once."""
    return [("once", secrets.token_urlsafe(18)), ("opened", ask.now.replace(microsecond=0).isoformat())]


async def start_of(ask: Ask, catalog: Catalog) -> Form:
    """The form as it is opened. Raises `NotFound` for a key or template that is not there."""
    pairs = fresh(ask)
    if ask.query.get("from"):
        view = await ask.run(get_key, KeyId(ask.query.get("from")))
        pairs += [*_owner_of_key(ask, view), *await _roles_of_key(ask, view), *of_key(view.key)]
    elif ask.query.get("template"):
        name = ask.query.get("template")
        template = next((one for one in catalog.key_templates if one.name == name), None)
        if template is None:
            raise NotFound("The catalog has no key template of this name.")
        pairs += of_template(template)
    else:
        pairs += [("expires", usual(settings_of(ask))), ("may", "list")]
    if ask.query.get("owner"):
        pairs = [one for one in pairs if one[0] not in ("speaks", "owner")]
        pairs += _owner(ask, ask.query.get("owner"))
    return Form(pairs)


def _owner(ask: Ask, identity_id: str) -> list[tuple[str, str]]:
    if identity_id == ask.caller.identity.id:
        return [("speaks", "me")]
    return [("speaks", "other"), ("owner", identity_id)]


def _owner_of_key(ask: Ask, view: KeyView) -> list[tuple[str, str]]:
    if view.owner is not None and view.owner.kind is IdentityKind.KEY:
        return [("speaks", "alone")]
    return _owner(ask, view.key.identity_id)


async def _roles_of_key(ask: Ask, view: KeyView) -> list[tuple[str, str]]:
    """The roles of an identity that was made for the key alone."""
    if view.owner is None or view.owner.kind is not IdentityKind.KEY or not ask.may("identities:read"):
        return []
    held = await ask.run(list_memberships, ListMemberships(identity_id=view.owner.id))
    pairs = []
    for one in held.items:
        grant = one.membership.grant
        pairs.append(("role", grant.role))
        pairs += [(f"var.{grant.role}.{name}", value) for name, values in grant.variables for value in values]
    return pairs
