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
    written = typed if ":" in typed and " " not in typed else ""
    return ask.part("picker/places.html", found=found, written=written, typed=typed)


PAGES = (places,)
