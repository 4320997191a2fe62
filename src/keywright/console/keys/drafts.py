"""The form of a new key: from what was typed to what is asked for, and from another key or a template to a form."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keywright.console.forms import Errors, Form
from keywright.console.keys.spans import NEVER, expiry_of
from keywright.console.picker import Pick, same
from keywright.core.errors import InvalidValue
from keywright.services.keys import NewKey
from keywright.services.limits import CreditsInput, LimitInput, RefillInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from keywright.console.keys.speakers import Speaker
    from keywright.console.picker import Lexicon
    from keywright.core.catalog import KeyTemplate
    from keywright.core.keys import Key
    from keywright.core.permissions import Policy

T = TypeVar("T")

UNITS: Final = (("1", "second"), ("60", "minute"), ("3600", "hour"), ("86400", "day"))


@dataclass(slots=True)
class Draft:
    """What is asked for, what is picked of it, and what of the form could not be read.

    `whole` says in full what `new` may leave to a template.
    """

    new: NewKey
    whole: NewKey
    pick: Pick
    errors: Errors


def draft_of(
    form: Form,
    lexicon: Lexicon,
    speaker: Speaker,
    *,
    zone: ZoneInfo | None,
    now: datetime,
    template: KeyTemplate | None = None,
) -> Draft:
    """Read a form. A template is named instead of what it says, where nothing was changed of it."""
    errors = Errors()

    def attempt(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except InvalidValue as wrong:
            errors.fields.setdefault(wrong.field or "", wrong.detail)
            return otherwise

    pick = Pick.of_form(form, lexicon)
    if speaker.choice == "other" and speaker.other is None:
        errors.fields["identity_id"] = (
            "Choose for whom it speaks: type a name and choose from the list, or give an id."
            if not (form.get("owner") or form.get("owner_name"))
            else "Nobody here is called just like this. Choose from the list, or give an id."
        )
    if speaker.choice == "alone" and not speaker.roles:
        errors.fields["memberships"] = "Pick at least one role: without any it could do nothing."
    new = NewKey(
        name=form.get("name"),
        description=form.get("description").replace("\r\n", "\n"),
        handle=form.get("handle") or None,
        scope=pick.scope,
        not_before=attempt(lambda: form.moment("not_before", zone), None),
        expires_at=attempt(lambda: expiry_of(form, zone, now), None),
        **{name: attempt(partial(read, form), None) for name, read in _TERMS.items()},
        token_hash=form.get("token_hash") or None,
        identity_id=speaker.other,
        memberships=speaker.roles if speaker.choice == "alone" else None,
    )
    asked = new if template is None or errors else _by_template(new, template, lexicon)
    return Draft(asked, new, pick, errors)


def _limits(form: Form) -> tuple[LimitInput, ...] | None:
    """Limits of the key's own; None for those of its tenant."""
    if form.get("limits") != "own":
        return None
    found: list[LimitInput] = []
    for name, uses, window, unit in limit_rows(form):
        at = f"limits.{len(found)}"
        count, many = _whole(uses, at, "how many uses"), _whole(window or "1", at, "in how long")
        seconds = many * int(unit if unit in dict(UNITS) else "1")
        found.append(LimitInput(name or _called(many, unit, found), count, seconds))
    return tuple(found)


def limit_rows(form: Form) -> list[tuple[str, str, str, str]]:
    """The rows of limits in which anything stands: name, uses, number and unit of the window."""
    columns = (form.all_of(f"limit.{name}") for name in ("name", "uses", "window", "unit"))
    return [row for row in zip(*columns, strict=False) if row[0] or row[1]]


def _called(many: int, unit: str, others: list[LimitInput]) -> str:
    """A name for a limit that was given none: `per_second`, `per_5_minutes`."""
    noun = dict(UNITS).get(unit, "second")
    name = f"per_{noun}" if many == 1 else f"per_{many}_{noun}s"
    taken = {one.name for one in others}
    return name if name not in taken else f"{name}_{len(others) + 1}"


def _whole(text: str, field: str, what: str) -> int:
    plain = text.replace(",", "").replace(" ", "")
    if not plain.isdecimal() or len(plain) > 12:
        raise InvalidValue(f"Say {what}, as a whole number.", field=field)
    return int(plain)


def _credits(form: Form) -> CreditsInput | None:
    remaining = form.get("credits")
    if not remaining:
        return None
    amount = form.get("refill")
    refill = None
    if amount:
        refill = RefillInput(_whole(amount, "credits.refill", "how many"), form.get("refill_every"))
    return CreditsInput(_whole(remaining, "credits", "how many uses"), refill)


def _metadata(form: Form) -> dict[str, Any] | None:
    text = form.get("metadata")
    if not text:
        return None
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as wrong:
        at = f"line {wrong.lineno}, column {wrong.colno}"
        raise InvalidValue(f"This is not JSON: {wrong.msg} at {at}.", field="metadata") from None
    except (RecursionError, ValueError):
        raise InvalidValue(
            "This holds a number or a depth that JSON does not have.", field="metadata"
        ) from None
    if not isinstance(found, dict):
        raise InvalidValue('This is a JSON object: {"team": "search"}.', field="metadata")
    return found


def _no_constant(_text: str) -> None:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError


def _by_template(new: NewKey, template: KeyTemplate, lexicon: Lexicon) -> NewKey:
    """The same key, asked for by its template's name where that comes to the same."""
    form = of_template(template)
    says = {name: read(form) for name, read in _TERMS.items()}
    kept = (
        all(getattr(new, name) == said for name, said in says.items())
        and same(new.scope, Pick.of_form(form, lexicon).scope, lexicon)
        and (new.description or not template.description)
        and (new.expires_at is not None or template.expires_in is None)
    )
    if not kept:
        return new
    return replace(
        new,
        template=template.name,
        scope=None,
        allowed_cidrs=None,
        metadata=None,
        limits=None,
        credits=None,
        prefix=None,
    )


def of_template(template: KeyTemplate) -> Form:
    """A form that says what a template says."""
    pairs = [("template", template.name), ("description", template.description)]
    pairs += _of_terms(template)
    return Form([*pairs, ("expires", NEVER if template.expires_in is None else str(template.expires_in))])


def of_key(key: Key) -> Form:
    """A form that says what another key is like, but for what is one key's alone."""
    span = NEVER
    if key.expires_at is not None:
        span = str(max(60, round((key.expires_at - key.created_at).total_seconds())))
    pairs = [("name", key.name), ("description", key.description), ("prefix", key.prefix)]
    return Form([*pairs, *_of_terms(key), ("expires", span)])


def of_scope(policies: Sequence[Policy] | None) -> list[tuple[str, str]]:
    """The fields of the picker for a scope; every policy by hand, which the picker puts in its place."""
    if policies is None:
        return [("may", "all")]
    pairs = [("may", "list")]
    for policy in policies:
        pairs.append(("hand.actions", ", ".join(one.text for one in policy.actions)))
        pairs.append(("hand.resources", ", ".join(one.text for one in policy.resources or ())))
    return pairs


def _of_terms(one: KeyTemplate | Key) -> list[tuple[str, str]]:
    pairs = of_scope(one.scope)
    if one.metadata not in (None, "{}"):
        pairs.append(("metadata", json.dumps(json.loads(one.metadata or "{}"), indent=2, ensure_ascii=False)))
    if one.allowed_cidrs is not None:
        pairs.append(("allowed_cidrs", "\n".join(map(str, one.allowed_cidrs))))
    if one.limits is not None:
        pairs.append(("limits", "own"))
    for limit in one.limits or ():
        unit = next(size for size in ("86400", "3600", "60", "1") if limit.window_seconds % int(size) == 0)
        pairs += [
            ("limit.name", limit.name),
            ("limit.uses", str(limit.limit)),
            ("limit.window", str(limit.window_seconds // int(unit))),
            ("limit.unit", unit),
        ]
    if one.credits is not None:
        pairs.append(("credits", str(one.credits.remaining)))
        if one.credits.refill is not None:
            pairs += [
                ("refill", str(one.credits.refill.amount)),
                ("refill_every", one.credits.refill.every.value),
            ]
    if one.prefix is not None:
        pairs.append(("prefix", one.prefix))
    return pairs


def _cidrs(form: Form) -> tuple[str, ...] | None:
    return tuple(form.get("allowed_cidrs").replace(",", " ").split()) or None


_TERMS: Final[dict[str, Callable[[Form], Any]]] = {
    "allowed_cidrs": _cidrs,
    "metadata": _metadata,
    "limits": _limits,
    "credits": _credits,
    "prefix": lambda form: form.get("prefix") or None,
}
"""What a template can say of a key beside its scope and its end, each with how it is read from a form."""
