"""Changing a key, one part at a time, with what a change of scope comes to before it is saved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors, Form
from keywright.console.keys.drafts import PARTS, UNITS, pairs_of, scope_typed_of
from keywright.console.keys.overview import narrowed, overview_of
from keywright.console.keys.subject import subject_of, week_of
from keywright.console.picker.lexicon import lexicon_of
from keywright.console.routing import page
from keywright.core import checks
from keywright.core.errors import BeyondOwnRights, KeywrightError, NotFound
from keywright.core.limits import Every
from keywright.core.permissions import Policies
from keywright.services.keys import KeyChanges, KeyQuestion, explain_key, update_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.keys.drafts import Draft, Part, Typed
    from keywright.console.keys.overview import Line, Overview
    from keywright.console.keys.subject import Subject
    from keywright.console.routing import Page
    from keywright.core.permissions import Policy

_DOCUMENT: Final = """
mutation ($input: UpdateApiKeyInput!) {
  updateApiKey(input: $input) { apiKey { id name state } receipt { epoch waitedMs } }
}
"""
_NAMES: Final = {
    "not_before": "notBefore",
    "expires_at": "expiresAt",
    "allowed_cidrs": "allowedCidrs",
    "window_seconds": "windowSeconds",
}
_OPTIONS: Final = {"not_before": "not-before", "expires_at": "expires"}
_CLEAR: Final = {
    "description": "description",
    "metadata": "metadata",
    "handle": "handle",
    "not_before": "not-before",
    "expires_at": "expires",
    "scope": "scope",
    "allowed_cidrs": "cidr",
    "limits": "limit",
    "credits": "credits",
}


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
        typed = part.shown(subject.key, ask.zone)
        if part.word == "scope" and ask.query.get("narrow"):
            week = await week_of(subject)
            if week is not None:
                typed = scope_typed_of(narrowed(subject.key.scope, week.exercised))
        return await _form(subject, part, typed, Errors())
    errors = Errors()
    try:
        draft = part.read(ask.form, subject.key, ask.zone)
        done = await ask.change(update_key, KeyChanges(id=subject.key.id, **draft.changes))
    except KeywrightError as error:
        errors = _refused(ask, part, error)
    else:
        receipt = done.receipt
        narrower = part.word == "scope" and _is_narrower(subject.key.scope, done.result.key.scope)
        said, did = ("Narrowed.", "Refused for the rest") if narrower else ("Saved.", "In effect")
        return ask.done(subject.at("edit", part.word), said, receipt, did)
    return await _form(subject, part, part.typed(ask.form), errors)


@page("/t/{tenant}/keys/{id}/edit/{part}/look", needs="keys:update", own="keys:own:update", methods=("POST",))
async def look(ask: Ask) -> Response:
    """What is typed comes to, for our script: as code, and for a scope in words."""
    subject, part = await subject_of(ask), _part(ask)
    try:
        draft = part.read(ask.form, subject.key, ask.zone)
        comes = await _comes_to(subject, part, draft)
    except KeywrightError as error:
        errors = _refused(ask, part, error)
        return ask.part(
            "keys/edit_look.html", subject=subject, part=part, comes=None, code=None, errors=errors
        )
    code = _code(subject, draft)
    return ask.part(
        "keys/edit_look.html", subject=subject, part=part, comes=comes, code=code, errors=Errors()
    )


def _part(ask: Ask) -> Part:
    found = PARTS.get(ask.variable("part"))
    if found is None:
        raise NotFound("There is nothing at this address, or not for you.")
    return found


def _refused(ask: Ask, part: Part, error: KeywrightError) -> Errors:
    """An error beside its field; one of a line of a field says of which, and one beyond one's rights which they are."""
    field, detail = error.field or "", error.detail
    errors = ask.refused(error, *part.fields)
    last = field.rpartition(".")[2]
    if last.isdigit() and field not in part.fields and part.word in ("scope", "addresses"):
        lined = f"Line {int(last) + 1}: {detail}"
        return Errors(None, dict.fromkeys(errors.fields, lined)) if errors.fields else errors
    if isinstance(error, BeyondOwnRights) and error.policy is not None:
        plain = error.policy.to_plain()
        where = ", ".join(plain.get("resources", ())) or "everything"
        said = f"{detail} It is {', '.join(plain['actions'])} on {where}."
        return Errors(said) if errors.general else Errors(None, dict.fromkeys(errors.fields, said))
    return errors


async def _form(subject: Subject, part: Part, typed: Typed, errors: Errors) -> Response:
    """The page with the form; what it comes to is said beside it where it can be read."""
    ask = subject.ask
    comes, code = None, None
    if not errors:
        draft = part.read(Form(pairs_of(typed)), subject.key, ask.zone)
        comes, code = await _comes_to(subject, part, draft), _code(subject, draft)
    return ask.page(
        "keys/edit.html",
        ask.status,
        subject=subject,
        key=subject.key,
        parts=PARTS.values(),
        part=part,
        typed=typed,
        errors=errors,
        comes=comes,
        code=code,
        units=[unit for unit, _ in UNITS],
        periods=[one.value for one in Every],
        settings=None if subject.view.tenant is None else subject.view.tenant.settings,
        narrowed=part.word == "scope" and ask.query.get("narrow") != "",
    )


@dataclass(frozen=True, slots=True)
class Comes:
    """What a scope comes to: all that the key may do then, and which actions that is more and less than before."""

    overview: Overview
    gained: tuple[Line, ...]
    lost: tuple[Line, ...]
    moved: tuple[Line, ...]


async def _comes_to(subject: Subject, part: Part, draft: Draft) -> Comes | None:
    """What a drafted scope comes to; None for other parts."""
    if part.word != "scope":
        return None
    ask, key = subject.ask, subject.key
    wanted = draft.changes["scope"]
    scope = None if wanted is None else checks.scope(wanted)
    facts = (await ask.run(explain_key, KeyQuestion(id=key.id))).facts
    assert facts is not None  # noqa: S101 - a key that is found has facts
    lexicon, held = await lexicon_of(ask), facts.held(key.tenant_id)
    before = _lines(overview_of(lexicon, held, key.scope, None))
    overview = overview_of(lexicon, held, scope, None)
    after = _lines(overview)
    return Comes(
        overview,
        tuple(line for name, line in after.items() if name not in before),
        tuple(line for name, line in before.items() if name not in after),
        tuple(line for name, line in after.items() if name in before and before[name].places != line.places),
    )


def _lines(overview: Overview) -> dict[str, Line]:
    return {line.action: line for one in overview.sections for line in one.lines}


def _is_narrower(before: tuple[Policy, ...] | None, after: tuple[Policy, ...] | None) -> bool:
    """Whether a scope lies within another."""
    if after is None or before == after:
        return False
    return before is None or Policies.compile(before).first_uncovered(after) is None


def _code(subject: Subject, draft: Draft) -> Code:
    key_id = subject.key.id
    return subject.ask.code(
        rest=Rest("PATCH", f"/v1/keys/{key_id}", dict(draft.body)),
        graph=Graph(_DOCUMENT, {"input": {"id": key_id, **graph_input(draft.body)}}),
        cli=["keys", "update", key_id, *options_of(draft.body)],
    )


def graph_input(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a change as GraphQL has them; metadata is the reader's own, and stays as it is."""
    return {
        _NAMES.get(name, name): value if name == "metadata" else _graph(value) for name, value in body.items()
    }


def _graph(value: object) -> object:
    if isinstance(value, list):
        return [_graph(one) for one in value]
    if isinstance(value, dict):
        return {
            _NAMES.get(name, name): str(one).upper() if name == "every" else _graph(one)
            for name, one in value.items()
        }
    return value


def options_of(body: Mapping[str, Any]) -> list[str]:
    """The fields of a change as the command line has them."""
    return [word for name, value in body.items() for word in _options(name, value)]


def _options(name: str, value: Any) -> Sequence[str]:  # noqa: ANN401 - each field has its own kind of value
    if name == "limits" and value == []:
        return ["--no-limits"]
    if value is None or (name in ("description", "metadata") and not value):
        return ["--clear", _CLEAR[name]]
    if name == "limits":
        each = (f"{one['name']}={one['limit']}/{one['window_seconds']}s" for one in value)
        return [word for text in each for word in ("--limit", text)]
    if name == "allowed_cidrs":
        return [word for one in value for word in ("--cidr", one)]
    if name == "credits":
        refill = value.get("refill")
        filled = [] if refill is None else ["--refill", f"{refill['amount']}/{refill['every']}"]
        return ["--credits", str(value["remaining"]), *filled]
    if name in ("scope", "metadata"):
        return [f"--{name}", json.dumps(value, ensure_ascii=False)]
    return [f"--{_OPTIONS.get(name, name)}", value]


PAGES: Final[tuple[Page, ...]] = (edit, edit_part, look)
