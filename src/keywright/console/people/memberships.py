"""Giving somebody a role, changing the values of its variables, and taking it away."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people import grants, holding
from keywright.console.people.grants import Row
from keywright.console.people.noticing import notices
from keywright.console.people.wording import refused
from keywright.console.routing import page
from keywright.core.errors import KeywrightError, NotFound
from keywright.core.identities import IdentityKind
from keywright.services.memberships import (
    MembershipChanges,
    MembershipId,
    NewMembership,
    create_membership,
    delete_membership,
    get_membership,
    update_membership,
)
from keywright.services.service_accounts import ServiceAccountId, get_service_account
from keywright.services.users import UserId, get_user

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.core.identities import Identity
    from keywright.services.memberships import MembershipView

_CREATE: Final = """
mutation CreateMembership($input: CreateMembershipInput!) {
  createMembership(input: $input) { membership { id role } receipt { complete } }
}
"""
_UPDATE: Final = """
mutation UpdateMembership($input: UpdateMembershipInput!) {
  updateMembership(input: $input) { membership { id role } receipt { complete } }
}
"""
_DELETE: Final = """
mutation DeleteMembership($input: DeleteMembershipInput!) {
  deleteMembership(input: $input) { deletedId receipt { complete } }
}
"""


@page("/t/{tenant}/memberships/new", needs="identities:update")
async def form_for_new(ask: Ask) -> Response:
    """Pick a role for somebody."""
    identity = await _identity(ask, ask.query.get("identity"))
    row = Row(ask.query.get("role"))
    return await _new(ask, identity, row, secrets.token_urlsafe(16), Errors())


@page("/t/{tenant}/memberships/new", needs="identities:update", methods=("POST",))
async def create(ask: Ask) -> Response:
    """Give it, or show the form again."""
    form = ask.form
    identity = await _identity(ask, form.get("identity"))
    row = grants.asked_rows(form)[0]
    known = await grants.choices(ask)
    values = {name: tuple(given) for name, given in known.values(row).items()}
    wanted = NewMembership(identity_id=identity.id, role=row.role, variables=values)
    if grants.only_rows(ask) or form.get("show"):
        code = _code_for_new(ask, wanted) if form.get("show") else None
        return await _new(ask, identity, row, form.get("once"), Errors(), code)
    try:
        made = await ask.change(create_membership, wanted, once=form.get("once") or None)
    except KeywrightError as error:
        fields = ("role", *(f"variables.{name}" for name in row.values), "variables")
        errors = grants.single(refused(ask, error, known.lexicon, *fields))
        return await _new(ask, identity, row, form.get("once"), errors)
    said = f"{identity.name} holds the role {row.role}."
    return ask.done(page_of(ask, identity), said, made.receipt, "In effect")


@page("/t/{tenant}/memberships/{id}/edit", needs="identities:update")
async def form_for_changes(ask: Ask) -> Response:
    """The values that stand."""
    view = await ask.run(get_membership, MembershipId(ask.variable("id")))
    grant = view.membership.grant
    row = Row(grant.role, {name: list(values) for name, values in grant.variables})
    return await _edit(ask, view, row, Errors())


@page("/t/{tenant}/memberships/{id}/edit", needs="identities:update", methods=("POST",))
async def change(ask: Ask) -> Response:
    """Give the variables other values."""
    view = await ask.run(get_membership, MembershipId(ask.variable("id")))
    row = Row(view.membership.grant.role)
    for name in dict.fromkeys(field.removeprefix("add.") for field, _ in ask.form):
        if name.startswith("r0.v."):
            row.values[name.removeprefix("r0.v.")] = grants.typed_values(ask.form, name)
    known = await grants.choices(ask)
    values = {name: tuple(given) for name, given in known.values(row).items()}
    wanted = MembershipChanges(view.membership.id, values)
    if ask.form.get("show"):
        return await _edit(ask, view, row, Errors(), _code_for_changes(ask, wanted))
    try:
        changed = await ask.change(update_membership, wanted)
    except KeywrightError as error:
        variables = view.membership.grant.definition
        names = () if variables is None else tuple(f"variables.{one.name}" for one in variables.variables)
        return await _edit(ask, view, row, grants.single(refused(ask, error, known.lexicon, *names)))
    said = f"The role {row.role} of {view.identity.name} is changed."
    return ask.done(page_of(ask, view.identity), said, changed.receipt, "In effect")


@page("/t/{tenant}/memberships/{id}/remove", needs="identities:update")
async def remove_dialog(ask: Ask) -> Response:
    """What is lost with it, and who will notice."""
    return await _remove(ask, Errors())


@page("/t/{tenant}/memberships/{id}/remove", needs="identities:update", methods=("POST",))
async def remove(ask: Ask) -> Response:
    """Take it away."""
    wanted = MembershipId(ask.variable("id"))
    view = await ask.run(get_membership, wanted)
    try:
        done = await ask.change(delete_membership, wanted)
    except KeywrightError as error:
        return await _remove(ask, ask.refused(error))
    said = f"{view.identity.name} no longer holds the role {view.membership.grant.role}."
    return ask.done(await _page_after(ask, view), said, done.receipt, "Refused by what it allowed")


def page_of(ask: Ask, identity: Identity) -> str:
    """The address of somebody's page here."""
    if identity.kind is IdentityKind.SERVICE_ACCOUNT:
        return ask.at(f"service-accounts/{identity.id}")
    if identity.kind is IdentityKind.USER:
        return ask.at(f"people/{identity.id}")
    return ask.at("keys")


async def _page_after(ask: Ask, view: MembershipView) -> str:
    """The page of who held a role: a person without any other is no longer of the tenant."""
    if view.identity.kind is IdentityKind.USER:
        try:
            await ask.run(get_user, UserId(view.identity.id))
        except NotFound:
            return ask.at("people")
    return page_of(ask, view.identity)


async def _identity(ask: Ask, identity_id: str) -> Identity:
    """Who is to be given a role: somebody of the tenant, or for who knows everybody anybody."""
    try:
        return (await ask.run(get_user, UserId(identity_id))).person.identity
    except NotFound:
        if ask.place is None or ask.place.tenant is None:
            raise
    try:
        return (await ask.run(get_service_account, ServiceAccountId(identity_id))).identity
    except NotFound:
        if not ask.may_everywhere("identities:read"):
            raise
    return (await ask.run(get_user, UserId(identity_id), "*")).person.identity


async def _new(
    ask: Ask, identity: Identity, row: Row, once: str, errors: Errors, code: Code | None = None
) -> Response:
    context: dict[str, Any] = {
        "identity": identity,
        "rows": [row],
        "once": once,
        "errors": errors,
        "choices": await grants.choices(ask),
        "code": code,
        "back": page_of(ask, identity),
    }
    return _shown(ask, "people/give.html", context)


async def _edit(
    ask: Ask, view: MembershipView, row: Row, errors: Errors, code: Code | None = None
) -> Response:
    context: dict[str, Any] = {
        "identity": view.identity,
        "membership": view.membership,
        "row": row,
        "errors": errors,
        "choices": await grants.choices(ask),
        "code": code,
        "back": page_of(ask, view.identity),
    }
    return _shown(ask, "people/values.html", context)


def _shown(ask: Ask, template: str, context: dict[str, Any]) -> Response:
    if ask.wants_part and not context["errors"]:
        if ask.target == "given":
            return ask.part("people/one_part.html", **context)
        if ask.target == "code":
            return ask.part("people/code_part.html", **context)
    return ask.page(template, ask.status, **context)


async def _remove(ask: Ask, errors: Errors) -> Response:
    view = await ask.run(get_membership, MembershipId(ask.variable("id")))
    known = await grants.choices(ask)
    others = await holding.memberships_of_one(ask, view.identity.id)
    code = ask.code(
        rest=Rest("DELETE", f"/v1/memberships/{view.membership.id}"),
        graph=Graph(_DELETE, {"input": {"id": view.membership.id}}),
        cli=["memberships", "delete", view.membership.id, "--yes"],
    )
    context: dict[str, Any] = {
        "identity": view.identity,
        "one": holding.held([view.membership], known)[0],
        "rights": holding.rights([view.membership], known),
        "last": len(others) == 1,
        "keys": await notices(ask, view.identity.id),
        "errors": errors,
        "code": code,
        "back": page_of(ask, view.identity),
    }
    return ask.dialog("people/take.html", ask.status, **context)


def _code_for_new(ask: Ask, wanted: NewMembership) -> Code:
    role = wanted.role or "ROLE"
    body = {"identity_id": wanted.identity_id, "role": role, "variables": _lists(wanted.variables)}
    graphed = {
        "identityId": wanted.identity_id,
        "role": role,
        "variables": grants.graphed_values(wanted.variables),
    }
    return ask.code(
        rest=Rest("POST", "/v1/memberships", body),
        graph=Graph(_CREATE, {"input": graphed}),
        cli=["memberships", "create", wanted.identity_id, role, *grants.worded_values(wanted.variables)],
    )


def _code_for_changes(ask: Ask, wanted: MembershipChanges) -> Code:
    return ask.code(
        rest=Rest("PATCH", f"/v1/memberships/{wanted.id}", {"variables": _lists(wanted.variables)}),
        graph=Graph(
            _UPDATE, {"input": {"id": wanted.id, "variables": grants.graphed_values(wanted.variables)}}
        ),
        cli=["memberships", "update", wanted.id, *grants.worded_values(wanted.variables)],
    )


def _lists(values: Any) -> dict[str, list[str]]:  # noqa: ANN401 - a mapping of names to values
    return {name: list(given) for name, given in values.items()}


PAGES = (form_for_new, create, form_for_changes, change, remove_dialog, remove)
