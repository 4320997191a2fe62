"""An entry of the audit log in words, with links to what it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from keywright.core.audit import ActorKind
from keywright.core.identities import IdentityKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.console.asking import Ask
    from keywright.core.audit import AuditEntry, Change
    from keywright.services.trail import EntryView

DID: Final = {
    "agent.register": "announced an agent",
    "catalog.apply": "applied a catalog",
    "factor.add": "added a second factor",
    "factor.begin": "began a second factor",
    "factor.remove": "removed a second factor",
    "factor.renew": "made new recovery codes",
    "factor.update": "renamed a second factor",
    "invitation.accept": "accepted an invitation",
    "invitation.create": "invited somebody",
    "invitation.reset": "made a link for a new password",
    "invitation.revoke": "took back an invitation",
    "key.create": "created a key",
    "key.delete": "deleted a key",
    "key.disable": "disabled a key",
    "key.enable": "enabled a key",
    "key.expire": "deleted an expired key",
    "key.revoke": "revoked a key",
    "key.transfer": "gave a key another owner",
    "key.update": "changed a key",
    "membership.create": "gave a role",
    "membership.delete": "took a role away",
    "membership.update": "changed a role's values",
    "role.create": "defined a role",
    "role.delete": "deleted a role",
    "role.update": "changed a role",
    "service_account.create": "made a service account",
    "service_account.delete": "deleted a service account",
    "service_account.update": "changed a service account",
    "session.confirm": "logged in once more",
    "session.create": "logged in",
    "session.create_for": "logged somebody in",
    "session.end": "logged out",
    "session.end_others": "ended all other sessions",
    "tenant.create": "made a tenant",
    "tenant.delete": "deleted a tenant",
    "tenant.update": "changed a tenant",
    "user.change_password": "changed the password",
    "user.create": "made a person",
    "user.delete": "deleted a person",
    "user.remove": "took a person out of the tenant",
    "user.reset": "made a link for a new password",
    "user.sign_on": "signed on for the first time",
    "user.update": "changed a person",
}
_PAGES: Final = {
    "key": ("keys:read", "keys/{}"),
    "service_account": ("identities:read", "service-accounts/{}"),
    "identity": ("identities:read", "people/{}"),
    "role": ("roles:read", "roles/{}"),
    "catalog": ("catalog:read", "catalog"),
    "tenant": ("tenants:read", "settings"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a line of the log: who, by what, did what, to what; addresses are None where there is no page."""

    entry: AuditEntry
    who: str
    by: str
    who_at: str | None
    did: str
    what: str
    name: str
    what_at: str | None
    key_at: str | None


def told(ask: Ask, view: EntryView) -> Told:
    """An entry for its reader."""
    entry = view.entry
    actor = entry.actor
    if actor.kind is ActorKind.SYSTEM:
        who, by = "Keywright", "by itself"
    else:
        who = view.identity.name if view.identity is not None else "somebody who is gone"
        by = "with a key" if actor.kind is ActorKind.KEY else "in a session"
    return Told(
        entry=entry,
        who=who,
        by=by,
        who_at=_who_at(ask, view),
        did=DID.get(entry.action, entry.action.replace("_", " ").replace(".", ": ")),
        what=_what(entry),
        name=_name(entry.changes),
        what_at=_what_at(ask, entry),
        key_at=_key_at(ask, view),
    )


def _what(entry: AuditEntry) -> str:
    if entry.target_type != "identity":
        return entry.target_type.replace("_", " ")
    return "service account" if entry.action.startswith("service_account.") else "person"


def _name(changes: Mapping[str, Change]) -> str:
    """What a thing is called, where the entry says so."""
    for field in ("name", "slug", "role", "email"):
        change = changes.get(field)
        found = None if change is None else (change.after if change.after is not None else change.before)
        if isinstance(found, str):
            return found
    return ""


def _what_at(ask: Ask, entry: AuditEntry) -> str | None:
    account = entry.action.startswith("service_account.")
    needs, path = _PAGES.get("service_account" if account else entry.target_type, ("", ""))
    # What was deleted has no page any more, and neither have tenants and keys of elsewhere.
    if not path or entry.action.endswith(".delete") or not ask.may(needs):
        return None
    if entry.target_type in ("tenant", "catalog") and entry.tenant_id is None:
        return None
    called = _name(entry.changes) if entry.target_type == "role" else entry.target_id
    return ask.at(path.format(quote(called, safe=""))) if called else None


def _who_at(ask: Ask, view: EntryView) -> str | None:
    """The page of who acted: of a service account of the tenant, or of a person."""
    if view.identity is None or not ask.may("identities:read"):
        return None
    if view.identity.kind is IdentityKind.SERVICE_ACCOUNT:
        return ask.at(f"service-accounts/{view.identity.id}")
    return None


def _key_at(ask: Ask, view: EntryView) -> str | None:
    """The page of the key that was used, where it is one of the tenant for certain: its owner is the tenant's own."""
    here = ask.place is not None and view.identity is not None and view.identity.tenant_id == ask.place.id
    known = here and view.entry.actor.key_id is not None and ask.may("keys:read")
    return ask.at(f"keys/{view.entry.actor.key_id}") if known else None
