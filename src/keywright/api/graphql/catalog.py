"""The fields of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import runs
from keywright.services import catalog
from keywright.services.catalog import CatalogDocument, NewCatalog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.catalog import AppliedCatalog, CatalogDiff, CatalogView


def document(args: Args) -> CatalogDocument:
    """A catalog to be compared."""
    return CatalogDocument(args["input"]["document"])


def new_catalog(args: Args) -> NewCatalog:
    """A catalog to be applied."""
    given = args["input"]
    return NewCatalog(given["document"], given.get("expectedRevision"))


def view(found: CatalogView) -> Shape:
    """The catalog as it stands."""
    return {
        "document": found.document,
        "apiRoles": list(found.api_roles),
        "revision": found.revision,
        "appliedAt": found.applied_at,
        "appliedBy": found.applied_by,
    }


def diff(found: CatalogDiff) -> Shape:
    """What applying a catalog changes."""
    return {
        "revision": found.revision,
        "changes": [
            {
                "section": one.section,
                "name": one.name,
                "kind": one.kind,
                "before": one.before,
                "after": one.after,
            }
            for one in found.changes
        ],
        "narrowed": [
            {
                "identityId": one.identity_id,
                "identityName": one.identity_name,
                "role": one.role,
                "lost": [mapping.policy(policy) for policy in one.lost],
            }
            for one in found.narrowed
        ],
        "narrowedTotal": found.narrowed_total,
    }


def applied(found: AppliedCatalog) -> Shape:
    """A catalog that was applied."""
    return {"catalog": view(found.view), "diff": diff(found.diff)}


QUERIES: Final[Mapping[str, RootField]] = {
    "catalog": runs(catalog.get_catalog, mapping.no_input, view),
    "catalogDiff": runs(catalog.diff_catalog, document, diff),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "applyCatalog": runs(catalog.apply_catalog, new_catalog, applied),
}
