"""Changing what a key may do, with what that comes to before it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console.forms import Errors
from keywright.console.keys.changing import change_code
from keywright.console.keys.overview import narrowed, overview_of
from keywright.console.keys.parts import NAV
from keywright.console.keys.subject import subject_of, week_of
from keywright.console.picker import (
    Holder,
    Pick,
    lexicon_of,
    picker_of,
    reader,
    refused_scope,
    said,
    same,
    summary_of,
)
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.core.permissions import Policies
from keywright.services.keys import KeyChanges, KeyQuestion, explain_key, update_key

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.keys.overview import Line, Overview
    from keywright.console.keys.subject import Subject
    from keywright.console.picker import Lexicon
    from keywright.console.routing import Page
    from keywright.core.identities import RoleSet
    from keywright.core.permissions import Policy
    from keywright.services.keys import PolicyInput


@dataclass(frozen=True, slots=True)
class Held:
    """What the owner of the key holds where the key counts, and the words for it."""

    lexicon: Lexicon
    roles: RoleSet
    owner: Holder


@dataclass(frozen=True, slots=True)
class Difference:
    """Which actions a key may do after a change and not before (`gained`), the other way round, and elsewhere."""

    gained: tuple[Line, ...]
    lost: tuple[Line, ...]
    moved: tuple[Line, ...]

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.moved)


@page("/t/{tenant}/keys/{id}/edit/scope", needs="keys:update", own="keys:own:update", methods=("GET", "POST"))
async def scope(ask: Ask) -> Response:
    """The form with the picker, and saving it."""
    subject = await subject_of(ask)
    held = await _held(subject)
    stands = texts_of(subject.key.scope)
    if ask.request.method == "GET":
        wanted, narrow = stands, False
        if ask.query.get("narrow"):
            week = await week_of(subject)
            narrow = week is not None
            wanted = stands if week is None else texts_of(narrowed(subject.key.scope, week.exercised))
        pick = Pick.of_policies(wanted, held.lexicon)
        return ask.page("keys/edit_scope.html", narrow=narrow, **_shown(subject, held, pick, Errors()))
    pick = Pick.of_form(ask.form, held.lexicon)
    try:
        # What was not changed is not written anew in the picker's own order.
        wanted = stands if same(stands, pick.scope, held.lexicon) else pick.scope
        done = await ask.change(update_key, KeyChanges(id=subject.key.id, scope=wanted))
    except KeywrightError as error:
        errors = refused_scope(ask, error, pick, held.lexicon)
        return ask.page(
            "keys/edit_scope.html", ask.status, narrow=False, **_shown(subject, held, pick, errors)
        )
    narrower = _is_narrower(subject.key.scope, done.result.key.scope)
    told, did = ("Narrowed.", "Refused for all else") if narrower else ("Saved.", "In effect")
    return ask.done(subject.at("edit", "scope"), told, done.receipt, did)


@page("/t/{tenant}/keys/{id}/edit/scope/look", needs="keys:update", own="keys:own:update", methods=("POST",))
async def look(ask: Ask) -> Response:
    """What is picked comes to, in words and as code, for our script."""
    subject = await subject_of(ask)
    held = await _held(subject)
    pick = Pick.of_form(ask.form, held.lexicon)
    return ask.part("keys/edit_scope_look.html", oob=True, **_shown(subject, held, pick, Errors()))


async def _held(subject: Subject) -> Held:
    ask, key = subject.ask, subject.key
    facts = (await ask.run(explain_key, KeyQuestion(id=key.id))).facts
    assert facts is not None  # noqa: S101 - a key that is found has facts
    roles = facts.held(key.tenant_id)
    name = "its owner" if subject.owner is None else subject.owner.name
    # A global key may hold more in each tenant than over the installation.
    owner = Holder(name, roles.policies.policies, whole=key.tenant_id is not None)
    return Held(await lexicon_of(ask), roles, owner)


def texts_of(policies: tuple[Policy, ...] | None) -> tuple[PolicyInput, ...] | None:
    """Policies as use cases take them."""
    if policies is None:
        return None
    plain = [one.to_plain() for one in policies]
    return tuple(
        (tuple(one["actions"]), tuple(one["resources"]) if "resources" in one else None) for one in plain
    )


def _shown(subject: Subject, held: Held, pick: Pick, errors: Errors) -> dict[str, Any]:
    """What the page and its summary show of what is picked."""
    policies = said(pick.scope)
    before = overview_of(held.lexicon, held.roles, subject.key.scope, None)
    after = overview_of(held.lexicon, held.roles, policies, None)
    return {
        "subject": subject,
        "key": subject.key,
        "nav": NAV,
        "errors": errors,
        "picker": picker_of(held.lexicon, pick, maker=reader(subject.ask), owner=held.owner),
        "summary": summary_of(held.lexicon, policies, held.owner),
        "difference": _difference(before, after),
        "code": change_code(subject, {"scope": _body(pick.scope)}),
    }


def _body(scope: tuple[PolicyInput, ...] | None) -> list[dict[str, list[str]]] | None:
    if scope is None:
        return None
    return [
        {"actions": list(actions)} | ({} if resources is None else {"resources": list(resources)})
        for actions, resources in scope
    ]


def _difference(before: Overview, after: Overview) -> Difference:
    was, will = _lines(before), _lines(after)
    return Difference(
        tuple(line for name, line in will.items() if name not in was),
        tuple(line for name, line in was.items() if name not in will),
        tuple(line for name, line in will.items() if name in was and was[name].places != line.places),
    )


def _lines(overview: Overview) -> dict[str, Line]:
    return {line.action: line for one in overview.sections for line in one.lines}


def _is_narrower(before: tuple[Policy, ...] | None, after: tuple[Policy, ...] | None) -> bool:
    """Whether a scope lies within another."""
    if after is None or before == after:
        return False
    return before is None or Policies.compile(before).first_uncovered(after) is None


PAGES: Final[tuple[Page, ...]] = (scope, look)
