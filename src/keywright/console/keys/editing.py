"""Changing a key, one part at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.console.forms import Errors, Form
from keywright.console.keys.changing import change_code
from keywright.console.keys.parts import NAV, PARTS, UNITS, pairs_of
from keywright.console.keys.subject import subject_of
from keywright.console.routing import page
from keywright.core.errors import KeywrightError, NotFound
from keywright.core.limits import Every
from keywright.services.keys import KeyChanges, update_key

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.keys.parts import Part, Typed
    from keywright.console.keys.subject import Subject
    from keywright.console.routing import Page


@page("/t/{tenant}/keys/{id}/edit", needs="keys:update", own="keys:own:update")
async def edit(ask: Ask) -> Response:
    """The first part."""
    return ask.to(ask.at(f"keys/{ask.variable('id')}/edit/about"))


@page(
    "/t/{tenant}/keys/{id}/edit/{part}", needs="keys:update", own="keys:own:update", methods=("GET", "POST")
)
async def edit_part(ask: Ask) -> Response:
    """One part: its form, and saving it."""
    subject, part = await subject_of(ask), _part(ask)
    if ask.request.method == "GET":
        return _form(subject, part, part.shown(subject.key, ask.zone), Errors())
    errors = Errors()
    try:
        draft = part.read(ask.form, subject.key, ask.zone)
        done = await ask.change(update_key, KeyChanges(id=subject.key.id, **draft.changes))
    except KeywrightError as error:
        errors = _refused(ask, part, error)
    else:
        return ask.done(subject.at("edit", part.word), "Saved.", done.receipt, "In effect")
    return _form(subject, part, part.typed(ask.form), errors)


@page("/t/{tenant}/keys/{id}/edit/{part}/look", needs="keys:update", own="keys:own:update", methods=("POST",))
async def look(ask: Ask) -> Response:
    """What is typed, as code, for our script."""
    subject, part = await subject_of(ask), _part(ask)
    try:
        draft = part.read(ask.form, subject.key, ask.zone)
    except KeywrightError as error:
        return ask.part("keys/edit_look.html", code=None, errors=_refused(ask, part, error))
    return ask.part("keys/edit_look.html", code=change_code(subject, draft.body), errors=Errors())


def _part(ask: Ask) -> Part:
    found = PARTS.get(ask.variable("part"))
    if found is None:
        raise NotFound("There is nothing at this address, or not for you.")
    return found


def _refused(ask: Ask, part: Part, error: KeywrightError) -> Errors:
    """An error beside its field; one of a line of a field says of which."""
    errors, last = ask.refused(error, *part.fields), (error.field or "").rpartition(".")[2]
    if last.isdigit() and part.word == "addresses":
        errors.fields = {name: f"Line {int(last) + 1}: {text}" for name, text in errors.fields.items()}
    return errors


def _form(subject: Subject, part: Part, typed: Typed, errors: Errors) -> Response:
    """The page with the form, and what it asks for as code where it can be read."""
    ask = subject.ask
    code = None
    if not errors:
        code = change_code(subject, part.read(Form(pairs_of(typed)), subject.key, ask.zone).body)
    return ask.page(
        "keys/edit.html",
        ask.status,
        subject=subject,
        key=subject.key,
        nav=NAV,
        part=part,
        typed=typed,
        errors=errors,
        code=code,
        units=[unit for unit, _ in UNITS],
        periods=[one.value for one in Every],
        settings=None if subject.view.tenant is None else subject.view.tenant.settings,
    )


PAGES: Final[tuple[Page, ...]] = (edit, edit_part, look)
