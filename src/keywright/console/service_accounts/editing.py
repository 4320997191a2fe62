"""Making a service account, and changing what it is called, is for, and may be used."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people import grants, limits
from keywright.console.people.wording import refused
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.service_accounts import (
    NewServiceAccount,
    ServiceAccountChanges,
    ServiceAccountId,
    create_service_account,
    get_service_account,
    update_service_account,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.forms import Form
    from keywright.core.identities import Identity

_CREATE = """
mutation CreateServiceAccount($input: CreateServiceAccountInput!) {
  createServiceAccount(input: $input) { serviceAccount { id name } }
}
"""
_UPDATE = """
mutation UpdateServiceAccount($input: UpdateServiceAccountInput!) {
  updateServiceAccount(input: $input) { serviceAccount { id name } receipt { complete } }
}
"""


@dataclass(slots=True)
class Draft:
    """What stands in the form."""

    name: str = ""
    description: str = ""
    limits: tuple[limits.LimitRow, ...] = ()
    rows: tuple[grants.Row, ...] = (grants.Row(),)
    once: str = ""

    @classmethod
    def of(cls, form: Form) -> Draft:
        """The draft that a form sent."""
        rows = grants.asked_rows(form)
        shown = tuple(limits.rows_of(form))
        return cls(form.get("name"), form.get("description"), shown, tuple(rows), form.get("once"))


@page("/t/{tenant}/service-accounts/new", needs="identities:create")
async def form_for_new(ask: Ask) -> Response:
    """The empty form."""
    return await _new(ask, Draft(once=secrets.token_urlsafe(16)), Errors())


@page("/t/{tenant}/service-accounts/new", needs="identities:create", methods=("POST",))
async def create(ask: Ask) -> Response:
    """Make one, or show the form again: with another row for a role, with code, or with what is wrong."""
    draft = Draft.of(ask.form)
    if grants.only_rows(ask):
        return await _new(ask, draft, Errors())
    known = await grants.choices(ask)
    rows = [row for row in draft.rows if row.role]
    try:
        wanted = NewServiceAccount(
            name=draft.name,
            description=draft.description,
            memberships=known.given(rows),
            limits=limits.given(draft.limits),
        )
        if ask.form.get("show"):
            return await _new(ask, draft, Errors(), _code_for_new(ask, wanted))
        made = await ask.change(create_service_account, wanted, once=draft.once or None)
    except KeywrightError as error:
        fields = ("name", "description", *limits.FIELDS, *grants.row_fields(rows, known))
        return await _new(ask, draft, refused(ask, error, known.lexicon, *fields))
    account = made.result.view.identity
    return ask.done(ask.at(f"service-accounts/{account.id}"), f"{account.name} is made. Give it a key next.")


@page("/t/{tenant}/service-accounts/{id}/edit", needs="identities:update")
async def form_for_changes(ask: Ask) -> Response:
    """The form with what stands."""
    account = await _account(ask)
    draft = Draft(account.name, account.description, tuple(limits.shown(account.limits)))
    return _edit(ask, account, draft, Errors())


@page("/t/{tenant}/service-accounts/{id}/edit", needs="identities:update", methods=("POST",))
async def change(ask: Ask) -> Response:
    """Change it, or show the form again."""
    account = await _account(ask)
    draft = Draft.of(ask.form)
    try:
        wanted = ServiceAccountChanges(
            id=account.id,
            name=draft.name,
            description=draft.description,
            limits=limits.given(draft.limits),
        )
        if ask.form.get("show"):
            return _edit(ask, account, draft, Errors(), _code_for_changes(ask, wanted))
        changed = await ask.change(update_service_account, wanted)
    except KeywrightError as error:
        return _edit(ask, account, draft, ask.refused(error, "name", "description", *limits.FIELDS))
    return ask.done(ask.at(f"service-accounts/{account.id}"), "Saved.", changed.receipt, "In effect")


async def _account(ask: Ask) -> Identity:
    return (await ask.run(get_service_account, ServiceAccountId(ask.variable("id")))).identity


async def _new(ask: Ask, draft: Draft, errors: Errors, code: Code | None = None) -> Response:
    context: dict[str, Any] = {
        "draft": draft,
        "errors": errors,
        "choices": await grants.choices(ask),
        "code": code,
        "spans": limits.SPANS,
    }
    if ask.wants_part and ask.target == "given":
        return ask.part("people/given_part.html", **context)
    if ask.wants_part and ask.target == "code" and not errors:
        return ask.part("people/code_part.html", **context)
    return ask.page("service_accounts/new.html", ask.status, **context)


def _edit(ask: Ask, account: Identity, draft: Draft, errors: Errors, code: Code | None = None) -> Response:
    context: dict[str, Any] = {"draft": draft, "errors": errors, "code": code, "spans": limits.SPANS}
    if ask.wants_part and ask.target == "code" and not errors:
        return ask.part("people/code_part.html", **context)
    return ask.page("service_accounts/edit.html", ask.status, account=account, **context)


def _code_for_new(ask: Ask, wanted: NewServiceAccount) -> Code:
    wanted = replace(wanted, name=wanted.name or "NAME")
    base = {"name": wanted.name, "description": wanted.description}
    options = ["--description", wanted.description] if wanted.description else []
    for one in wanted.memberships:
        options += ["--role", grants.worded(one)]
    return ask.code(
        rest=Rest(
            "POST",
            "/v1/service-accounts",
            {**base, "memberships": grants.plain(wanted.memberships), "limits": limits.plain(wanted.limits)},
        ),
        graph=Graph(
            _CREATE,
            {
                "input": {
                    **base,
                    "memberships": grants.graphed(wanted.memberships),
                    "limits": limits.graphed(wanted.limits),
                }
            },
        ),
        cli=["service-accounts", "create", *options, *limits.worded(wanted.limits), "--", wanted.name],
    )


def _code_for_changes(ask: Ask, wanted: ServiceAccountChanges) -> Code:
    assert isinstance(wanted.limits, tuple)  # noqa: S101 - the form always says them
    base = {"name": wanted.name, "description": wanted.description}
    worded = limits.worded(wanted.limits) or ["--clear", "limit"]
    return ask.code(
        rest=Rest(
            "PATCH", f"/v1/service-accounts/{wanted.id}", {**base, "limits": limits.plain(wanted.limits)}
        ),
        graph=Graph(_UPDATE, {"input": {"id": wanted.id, **base, "limits": limits.graphed(wanted.limits)}}),
        cli=[
            *("service-accounts", "update", wanted.id),
            *("--name", str(wanted.name), "--description", str(wanted.description)),
            *worded,
        ],
    )


PAGES = (form_for_new, create, form_for_changes, change)
