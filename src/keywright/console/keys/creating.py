"""Making a key, and showing it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console import picker
from keywright.console.forms import Errors, Form
from keywright.console.keys.making import Making, making_of
from keywright.console.keys.starting import fresh, start_of
from keywright.console.picker import catalog_of
from keywright.console.routing import page
from keywright.core.errors import IdempotencyKeyReused, InvalidValue, KeywrightError
from keywright.services.keys import create_key
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.keys import CreatedKey

_MADE = "This form has made a key already, with other values than these. Look for it among the keys first."


@page("/t/{tenant}/keys/new", needs="keys:create", own="keys:own:create")
async def form_of_new(ask: Ask) -> Response:
    """The form."""
    catalog = await catalog_of(ask)
    making = await making_of(ask, await start_of(ask, catalog), catalog, opening=True)
    return ask.page("keys/create.html", **making.context(Errors()))


@page("/t/{tenant}/keys/new", needs="keys:create", own="keys:own:create", methods=("POST",))
async def make(ask: Ask) -> Response:
    """Make the key, and show its token this once."""
    making = await making_of(ask, ask.form, await catalog_of(ask))
    if making.speaker.owner is not None and making.speaker.owner.searching:
        return _again(ask, making, Errors())
    errors = making.draft.errors
    if errors:
        ask.status = STATUS[InvalidValue]
        return _again(ask, making, errors)
    try:
        made = await ask.change(create_key, making.draft.new, once=ask.form.get("once") or None)
    except IdempotencyKeyReused:
        ask.status = STATUS[IdempotencyKeyReused]
        pairs = [one for one in ask.form if one[0] not in ("once", "opened")]
        anew = await making_of(ask, Form([*pairs, *fresh(ask)]), making.catalog)
        return _again(ask, anew, Errors(general=_MADE))
    except KeywrightError as error:
        return _again(ask, making, making.refused(error))
    return _shown(ask, made.result)


@page("/t/{tenant}/keys/new/live", needs="keys:create", own="keys:own:create", methods=("POST",))
async def live(ask: Ask) -> Response:
    """What follows from the form as it stands: the summary, and the code."""
    making = await making_of(ask, ask.form, await catalog_of(ask))
    return ask.part("keys/create_live.html", speaker=making.speaker, **making.told(), **making.picked())


@page("/t/{tenant}/keys/new/marks", needs="keys:create", own="keys:own:create", methods=("POST",))
async def marks(ask: Ask) -> Response:
    """Which actions an owner who was just chosen does not hold."""
    making = await making_of(ask, ask.form, await catalog_of(ask))
    return ask.part("keys/create_marks.html", **making.picked())


def _again(ask: Ask, making: Making, errors: Errors) -> Response:
    """The form with what is wrong beside its fields, and all that was typed."""
    context = making.context(errors)
    if not ask.wants_part:
        return ask.page("keys/create.html", ask.status, **context)
    where = {"HX-Retarget": "#create", "HX-Reswap": "outerHTML"}
    return ask.part("keys/create_form.html", ask.status, where, **context)


def _shown(ask: Ask, made: CreatedKey) -> Response:
    key = made.view.key
    path = ask.at(f"keys/{key.id}")
    if made.token is not None:
        return ask.dialog(
            "keys/create_shown.html",
            201,
            key=key,
            path=path,
            url=ask.services.public_url.rstrip("/"),
            token=made.token.reveal(),
        )
    if made.replayed:
        return ask.dialog("keys/create_before.html", key=key, path=path)
    return ask.done(path, f"Made {key.name}. Whoever has the token of this digest can use it from now on.")


PAGES = (form_of_new, make, live, marks, *picker.PAGES)
