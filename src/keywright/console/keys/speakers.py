"""Whom a new key speaks for: its maker, somebody else of the tenant, or an identity of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.console.choosing import choice_of
from keywright.console.picker import Holder, reader
from keywright.core.identities import IdentityKind, grants_in, role_set
from keywright.core.roles import is_value, values_of
from keywright.services.memberships import Belonging, RoleInput, memberships_of
from keywright.services.roles import list_roles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.console.asking import Ask
    from keywright.console.choosing import Choice
    from keywright.console.choosing import Somebody as Chosen
    from keywright.console.forms import Form
    from keywright.console.picker import Lexicon
    from keywright.core.identities import Identity, Membership
    from keywright.core.roles import Role

KINDS: Final = {
    IdentityKind.USER: "a person",
    IdentityKind.SERVICE_ACCOUNT: "a service account",
    IdentityKind.KEY: "a key of its own",
}


@dataclass(frozen=True, slots=True)
class Somebody:
    """An identity that keys can speak for, with its roles where the page is, in words."""

    identity: Identity
    memberships: tuple[Membership, ...]
    roles: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What it is."""
        return KINDS[self.identity.kind]


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whom the key speaks for, by the form's `choice`: `me`, `other` (None where nobody was found) or `alone`.

    `unseen` is the id of another of whom the reader may know nothing, and can make keys for.
    """

    choice: str
    somebody: Somebody | None = None
    roles: tuple[RoleInput, ...] = ()
    holder: Holder | None = None
    unseen: str | None = None
    owner: Choice | None = None
    """What the field for another says, None for who makes keys for nobody else."""

    @property
    def other(self) -> str | None:
        """The id of whom the key speaks for, where that is somebody else."""
        if self.choice != "other":
            return None
        return self.unseen if self.somebody is None else self.somebody.identity.id


def may_choose(ask: Ask) -> bool:
    """Whether the reader makes keys for others than themselves."""
    return ask.may("keys:create")


async def roles_to_give(ask: Ask) -> tuple[Role, ...]:
    """The roles that an identity of the key's own could hold, as far as the reader may know."""
    if not may_choose(ask) or not ask.may("roles:read"):
        return ()
    return tuple(one.role for one in await ask.run(list_roles, None))


async def speaker_of(ask: Ask, form: Form, lexicon: Lexicon, roles: Sequence[Role]) -> Speaker:
    """Whom a form names."""
    choice = form.get("speaks", "me") if may_choose(ask) else "me"
    owner = await choice_of(ask, form, "owner", loosely=False) if may_choose(ask) else None
    if choice == "alone":
        given = tuple(_given(form, role, lexicon) for role in roles if role.name in form.all("role"))
        by_name = {role.name: role for role in roles}
        policies = tuple(
            policy for one in given for policy in by_name[one.role].expand(values_of(_sound(one.variables)))
        )
        made = Holder("its identity", policies, title="Its identity")
        return Speaker("alone", roles=given, holder=made, owner=owner)
    if owner is not None and choice == "other":
        if owner.found is None:
            return Speaker("other", unseen=owner.id or None, owner=owner)
        somebody = None if owner.somebody is None else _somebody(owner.somebody, lexicon)
        holder = None if somebody is None else await _holder(ask, somebody)
        return Speaker("other", somebody, holder=holder, owner=owner)
    identity = ask.caller.identity
    me = Somebody(identity, (), ())
    return Speaker("me", me, holder=Holder(identity.name, reader(ask), you=True), owner=owner)


async def _holder(ask: Ask, somebody: Somebody) -> Holder:
    """What somebody holds here. What a person holds everywhere is known to few, and without it not all is."""
    identity = somebody.identity
    tenant_id = None if ask.place is None else ask.place.id
    if identity.id == ask.caller.identity.id:
        return Holder(identity.name, reader(ask), you=True)
    grants = tuple(one.grant for one in somebody.memberships)
    whole = identity.kind is not IdentityKind.USER
    if not whole and ask.may_everywhere("identities:read"):
        held = await ask.run(memberships_of, Belonging(identity.id))
        grants, whole = tuple(one.membership.grant for one in held), True
    policies = role_set(grants_in(grants, tenant_id)).policies.policies
    return Holder(identity.name, policies, whole=whole)


def _somebody(one: Chosen, lexicon: Lexicon) -> Somebody:
    roles = tuple(role_in_words(given, lexicon) for given in one.memberships)
    return Somebody(one.identity, one.memberships, roles)


def role_in_words(membership: Membership, lexicon: Lexicon) -> str:
    """A role with the values of its variables: `editor in Czech and English`."""
    grant = membership.grant
    declared = () if grant.definition is None else grant.definition.variables
    types = {one.name: one.entity or one.name for one in declared}
    said = [
        words.listed([lexicon.entities.get(types.get(name, name), {}).get(one) or one for one in values])
        for name, values in grant.variables
    ]
    return f"{grant.role} in {'; '.join(said)}" if said else grant.role


def _given(form: Form, role: Role, lexicon: Lexicon) -> RoleInput:
    """A role as it was picked, with the values of its variables; typed ones may be labels."""
    values: dict[str, tuple[str, ...]] = {}
    for variable in role.variables:
        name = f"var.{role.name}.{variable.name}"
        labels = {
            label.casefold(): one for one, label in lexicon.entities.get(variable.entity or "", {}).items()
        }
        typed = [one.strip() for one in form.get(f"add.{name}").split(",") if one.strip()]
        meant = [labels.get(one.casefold(), one) for one in typed]
        values[variable.name] = tuple(dict.fromkeys([*form.all(name), *meant]))
    return RoleInput(role.name, values)


def _sound(variables: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The values that can stand in patterns, of which a summary can be made."""
    return {name: tuple(one for one in values if is_value(one)) for name, values in variables.items()}
