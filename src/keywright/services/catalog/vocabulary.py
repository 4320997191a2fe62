"""What other use cases ask of the catalog of their tenant."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from keywright.core.catalog import EMPTY, LENIENT, Vocabulary, parse
from keywright.core.errors import InvalidValue

if TYPE_CHECKING:
    from keywright.core.catalog import Catalog, KeyTemplate
    from keywright.services.work import Work


async def vocabulary_of(work: Work) -> Vocabulary:
    """What is known in the call's tenant; everything passes where there is no catalog, or none that is strict."""
    applied = None if work.place is None else await work.transaction.catalog(work.place.id).get()
    return LENIENT if applied is None else _vocabulary(applied.document)


async def template_of(work: Work, name: str) -> KeyTemplate:
    """The key template of this name in the catalog of the call's tenant. Raises `InvalidValue`."""
    applied = await work.transaction.catalog(work.tenant.id).get()
    for template in stored(None if applied is None else applied.document).key_templates:
        if template.name == name:
            return template
    raise InvalidValue("The catalog has no key template of this name.", field="template")


@lru_cache(maxsize=32)
def stored(document: str | None) -> Catalog:
    """A catalog from its canonical text, the empty one from None."""
    return EMPTY if document is None else parse(json.loads(document))


@lru_cache(maxsize=32)
def _vocabulary(document: str) -> Vocabulary:
    return Vocabulary.of(stored(document))
