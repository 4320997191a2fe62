"""The catalog of a tenant: look at it, compare another with it, and apply that one."""

from keywright.services.catalog.plan import MAX_NARROWED
from keywright.services.catalog.shapes import (
    AppliedCatalog,
    CatalogDiff,
    CatalogDocument,
    CatalogView,
    Narrowed,
    NewCatalog,
)
from keywright.services.catalog.use_cases import MAX_AUDITED, apply_catalog, diff_catalog, get_catalog

__all__ = [
    "MAX_AUDITED",
    "MAX_NARROWED",
    "AppliedCatalog",
    "CatalogDiff",
    "CatalogDocument",
    "CatalogView",
    "Narrowed",
    "NewCatalog",
    "apply_catalog",
    "diff_catalog",
    "get_catalog",
]
