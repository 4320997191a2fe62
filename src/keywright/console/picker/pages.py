"""What the picker asks for while somebody types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.picker.lexicon import lexicon_of
from keywright.console.routing import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/picker/places", needs="catalog:read")
async def places(ask: Ask) -> Response:
    """Places where an action may be allowed, for what is typed so far."""
    typed = ask.query.get("q")
    found = (await lexicon_of(ask)).suggest(ask.query.get("action"), typed)
    options = [(one.pattern, one.label, one.entity, one.id) for one in found]
    return ask.part("picker/options.html", options=options, written=typed if ":" in typed else "")


@page("/t/{tenant}/picker/entities", needs="catalog:read")
async def entities(ask: Ask) -> Response:
    """Entities of a type, as values of a role's variable, for what is typed so far."""
    typed = ask.query.get("q")
    kind = ask.query.get("type")
    found = (await lexicon_of(ask)).entities_of(kind, typed)
    options = [(one.id, one.label, kind, one.id) for one in found]
    return ask.part("picker/options.html", options=options, written="" if ":" in typed else typed)


PAGES = (places, entities)
