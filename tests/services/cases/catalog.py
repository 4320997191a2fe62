"""The use cases of the catalog."""

from __future__ import annotations

from keywright.services.catalog import CatalogDocument, NewCatalog
from tests.support.cases import Case, nothing

DOCUMENT = {"strict": True, "actions": [{"name": "article:read"}]}

CASES = {
    "catalog.get": Case(nothing, nothing, yields=True),
    "catalog.diff": Case(
        lambda _: CatalogDocument(DOCUMENT),
        lambda: CatalogDocument(DOCUMENT),
        yields=True,
    ),
    "catalog.apply": Case(
        lambda _: NewCatalog(DOCUMENT),
        lambda: NewCatalog(DOCUMENT),
        ("catalog.apply",),
        yields=True,
    ),
}
