"""The page of a tenant's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import page
from keywright.console.tenant_settings.fields import LISTS, UNITS, Fields, Row
from keywright.core.errors import KeywrightError, NotFound, TwoFactorRequired
from keywright.core.limits import MAX_LIMITS
from keywright.services.tenants import TenantSlug, get_tenant, update_tenant

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.core.identities import Tenant

UPDATE: Final = """
mutation ($input: UpdateTenantInput!) {
  updateTenant(input: $input) {
    tenant { slug name }
    receipt { complete waitedMs nodes { id outcome } }
  }
}
"""


@page("/t/{tenant}/settings", needs="tenants:read")
async def settings(ask: Ask) -> Response:
    """The settings as they stand; for who may change them, as a form."""
    if ask.place is None or ask.place.tenant is None:
        return ask.page("settings/everywhere.html")
    tenant = await ask.run(get_tenant, TenantSlug(ask.place.named))
    return _shown(ask, tenant, Fields.of(tenant), Errors())


@page("/t/{tenant}/settings", needs="tenants:update", methods=("POST",))
async def save(ask: Ask) -> Response:
    """Change them."""
    tenant = tenant_of(ask)
    fields = Fields.sent(ask.form)
    try:
        changed = await ask.change(update_tenant, fields.changes(tenant.slug))
    except TwoFactorRequired as error:
        ask.refused(error)
        return _shown(ask, tenant, fields, Errors(fields={"settings.two_factor_required": error.detail}))
    except KeywrightError as error:
        return _shown(ask, tenant, fields, ask.refused(error, *fields.names))
    if changed.result == tenant:
        return ask.done(ask.at("settings"), "Nothing was different, and nothing was changed.")
    return ask.done(ask.at("settings"), "The settings are saved.", changed.receipt, "In force")


def tenant_of(ask: Ask) -> Tenant:
    """The page's tenant. Raises `NotFound` for the installation, which has no such settings."""
    if ask.place is None or ask.place.tenant is None:
        raise NotFound("The installation has no such settings.")
    return ask.place.tenant


def _shown(ask: Ask, tenant: Tenant, fields: Fields, errors: Errors) -> Response:
    changes = ask.may("tenants:update")
    lists = {called: list(getattr(fields, called)) for called in LISTS}
    for rows in lists.values():
        if changes and len(rows) < MAX_LIMITS:
            rows.append(Row(len(rows)))
    return ask.page(
        "settings/settings.html",
        ask.status,
        tenant=tenant,
        fields=fields,
        lists=lists,
        units=[name for name, _ in UNITS],
        most=MAX_LIMITS,
        errors=errors,
        changes=changes,
        code=_code(ask, tenant),
    )


def _code(ask: Ask, tenant: Tenant) -> Code:
    """The settings as they stand, as what a program sends to have them so."""
    it = tenant.settings
    wanted: dict[str, Any] = {
        "key_prefix": it.key_prefix,
        "max_key_lifetime_seconds": it.max_key_lifetime_seconds,
        "keys_must_expire": it.keys_must_expire,
        "two_factor_required": it.two_factor_required,
    }
    wanted |= {
        called: [
            {"name": one.name, "limit": one.limit, "window_seconds": one.window_seconds}
            for one in getattr(it, called)
        ]
        for called in LISTS
    }
    graph = {
        "keyPrefix": it.key_prefix,
        "maxKeyLifetimeSeconds": it.max_key_lifetime_seconds,
        "keysMustExpire": it.keys_must_expire,
        "twoFactorRequired": it.two_factor_required,
        "defaultLimits": _graph_limits(wanted["default_limits"]),
        "limits": _graph_limits(wanted["limits"]),
    }
    return ask.code(
        rest=Rest("PATCH", f"/v1/tenants/{tenant.slug}", {"settings": wanted}),
        graph=Graph(UPDATE, {"input": {"tenant": tenant.slug, "settings": graph}}),
        cli=["tenants", "update", tenant.slug, *_options(wanted)],
    )


def _graph_limits(limits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"name": one["name"], "limit": one["limit"], "windowSeconds": one["window_seconds"]} for one in limits
    ]


def _options(wanted: dict[str, Any]) -> list[str]:
    words = ["--keys-must-expire" if wanted["keys_must_expire"] else "--keys-may-stay"]
    words.append("--two-factor" if wanted["two_factor_required"] else "--no-two-factor")
    for field, option in (("key_prefix", "key-prefix"), ("max_key_lifetime_seconds", "max-key-lifetime")):
        words += ["--clear", option] if wanted[field] is None else [f"--{option}", f"{wanted[field]}"]
    for field, option in (("default_limits", "default-limit"), ("limits", "limit")):
        if not wanted[field]:
            words += ["--clear", option]
        for one in wanted[field]:
            words += [f"--{option}", f"{one['name']}={one['limit']}/{one['window_seconds']}s"]
    return words


PAGES = (settings, save)
