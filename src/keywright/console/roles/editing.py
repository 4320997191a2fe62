"""Defining a role of the tenant's own, and changing it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people.wording import lexicon_of
from keywright.console.picker import picker_of, reader, refused_scope, summary_of
from keywright.console.roles.details import holders_of
from keywright.console.roles.drafts import FIELDS, Draft, asked, draft_of, graphed, plain, worded
from keywright.console.roles.listing import kind_of
from keywright.console.routing import page
from keywright.core.errors import KeywrightError, NotFound
from keywright.services.roles import NewRole, RoleChanges, RoleName, create_role, get_role, update_role

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.services.roles import RoleView

_CREATE: Final = """
mutation CreateRole($input: CreateRoleInput!) {
  createRole(input: $input) { role { name } }
}
"""
_UPDATE: Final = """
mutation UpdateRole($input: UpdateRoleInput!) {
  updateRole(input: $input) { role { name } receipt { complete } }
}
"""


@page("/t/{tenant}/roles/-/new", needs="roles:create")
async def form_for_new(ask: Ask) -> Response:
    """The empty form."""
    _in_a_tenant(ask)
    return await _form(ask, None, Draft(once=secrets.token_urlsafe(16)), Errors())


@page("/t/{tenant}/roles/-/new", needs="roles:create", methods=("POST",))
async def create(ask: Ask) -> Response:
    """Define it, or show the form again."""
    _in_a_tenant(ask)
    lexicon = await lexicon_of(ask)
    draft = asked(ask.form, lexicon)
    if _again(ask):
        return await _form(ask, None, draft, Errors())
    wanted = NewRole(
        name=draft.name,
        description=draft.description,
        variables=draft.given_variables,
        policies=draft.policies,
    )
    try:
        made = await ask.change(create_role, wanted, once=draft.once or None)
    except KeywrightError as error:
        return await _form(
            ask, None, draft, refused_scope(ask, error, draft.pick, lexicon, *FIELDS, field="policies")
        )
    name = made.result.view.role.name
    return ask.done(ask.at(f"roles/{name}"), f"The role {name} is made. Nobody holds it yet.")


@page("/t/{tenant}/roles/{name}/edit", needs="roles:update")
async def form_for_changes(ask: Ask) -> Response:
    """The form with what stands."""
    view = await _own(ask)
    return await _form(ask, view, draft_of(view.role, await lexicon_of(ask)), Errors())


@page("/t/{tenant}/roles/{name}/edit", needs="roles:update", methods=("POST",))
async def change(ask: Ask) -> Response:
    """Change it, or show the form again."""
    view = await _own(ask)
    lexicon = await lexicon_of(ask)
    draft = asked(ask.form, lexicon, view.role.name)
    if _again(ask):
        return await _form(ask, view, draft, Errors())
    wanted = RoleChanges(
        name=draft.name,
        description=draft.description,
        variables=draft.given_variables,
        policies=draft.policies,
    )
    try:
        changed = await ask.change(update_role, wanted)
    except KeywrightError as error:
        return await _form(
            ask, view, draft, refused_scope(ask, error, draft.pick, lexicon, *FIELDS, field="policies")
        )
    return ask.done(ask.at(f"roles/{view.role.name}"), "Saved.", changed.receipt, "In effect")


def _again(ask: Ask) -> bool:
    """Whether the form is only to be shown again: with other rows, what it comes to, or code."""
    return bool(ask.form.get("rows") or ask.form.get("show")) or ask.target in (
        "variables",
        "summary",
        "code",
    )


def _in_a_tenant(ask: Ask) -> None:
    if ask.place is None or ask.place.tenant is None:
        raise NotFound("Roles are made in a tenant.")


async def _own(ask: Ask) -> RoleView:
    view = await ask.run(get_role, RoleName(ask.variable("name")))
    if kind_of(view) != "own":
        raise NotFound("This role is not the tenant's own.")
    return view


async def _form(ask: Ask, view: RoleView | None, draft: Draft, errors: Errors) -> Response:
    lexicon = await lexicon_of(ask)
    names = [one.name for one in draft.variables]
    context: dict[str, Any] = {
        "draft": draft,
        "errors": errors,
        "kinds": sorted(lexicon.entities),
        "picker": picker_of(lexicon, draft.pick, maker=reader(ask), variables=names),
        "summary": summary_of(lexicon, draft.sound_policies),
        "undeclared": sorted({name for one in draft.sound_policies for name in one.variables - set(names)}),
        "code": _code(ask, view, draft) if ask.form.get("show") == "code" else None,
    }
    parts = {
        "variables": "roles/variables_part.html",
        "summary": "roles/summary.html",
        "code": "people/code_part.html",
    }
    if ask.wants_part and ask.target in parts and not errors:
        return ask.part(parts[ask.target], **context)
    holders = None if view is None else await holders_of(ask, view.role.name, limit=5)
    return ask.page("roles/form.html", ask.status, view=view, holders=holders, **context)


def _code(ask: Ask, view: RoleView | None, draft: Draft) -> Code:
    name = draft.name or "NAME"
    base = {"name": name, "description": draft.description}
    rest = {"description": draft.description, **plain(draft)}
    if view is None:
        return ask.code(
            rest=Rest("POST", "/v1/roles", {"name": name, **rest}),
            graph=Graph(_CREATE, {"input": {**base, **graphed(draft)}}),
            cli=["roles", "create", name, *worded(draft)],
        )
    cleared = [
        word
        for part, given in (("variables", draft.variables), ("policies", draft.policies))
        if not given
        for word in ("--clear", part)
    ]
    return ask.code(
        rest=Rest("PATCH", f"/v1/roles/{name}", rest),
        graph=Graph(_UPDATE, {"input": {**base, **graphed(draft)}}),
        cli=["roles", "update", name, *worded(draft, changing=True), *cleared],
    )


PAGES = (form_for_new, create, form_for_changes, change)
