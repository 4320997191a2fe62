"""`/v1/catalog`."""

from typing import Any

from pydantic import Field

from keywright.api.rest import mapping
from keywright.api.rest.models import In, Moment, Out, PolicyOut
from keywright.api.rest.routes import Door
from keywright.core.catalog import Kind
from keywright.services import catalog
from keywright.services.catalog import (
    AppliedCatalog,
    CatalogDiff,
    CatalogDocument,
    CatalogView,
    NewCatalog,
)

_TAG = "Catalog"
_DOCUMENT: dict[str, Any] = {
    "examples": [
        {
            "strict": True,
            "actions": [{"name": "article:read", "group": "Articles", "description": "Read articles"}],
            "entities": {"language": [{"id": "cs", "label": "Czech"}]},
            "roles": {
                "reader": {
                    "variables": {"language": {"entity": "language"}},
                    "policies": [{"actions": ["article:read"], "resources": ["article:${language}:**"]}],
                }
            },
        }
    ]
}
_ABOUT_DOCUMENT = "The whole catalog, as in a catalog file. Faults are told by their path in it."


class CatalogDocumentIn(In):
    """A catalog to be compared with the one that stands."""

    document: dict[str, Any] = Field(description=_ABOUT_DOCUMENT, json_schema_extra=_DOCUMENT)


class CatalogIn(CatalogDocumentIn):
    """A catalog to be applied."""

    expected_revision: int | None = Field(
        None,
        description="The revision that the caller looked at, 0 for none; another one is refused. Null means any.",
        json_schema_extra={"minimum": 0},
    )


class CatalogOut(Out):
    """The catalog as it stands."""

    document: dict[str, Any] = Field(
        description="The whole catalog, with every role that the tenant defines.", json_schema_extra=_DOCUMENT
    )
    api_roles: list[str] = Field(
        description="The roles in it that were made beside the catalog; applying the document hands them over to it."
    )
    revision: int = Field(description="How often a catalog was applied; 0 while there is none.")
    applied_at: Moment | None = Field(description="Null while there is none.")
    applied_by: str | None = Field(description="The identity that applied it; null while there is none.")


class CatalogChangeOut(Out):
    """One thing that differs."""

    section: str = Field(description="The section of the document, such as `roles`.")
    name: str = Field(
        description="The name there; of an entity `type:id`, and of `strict` the empty text.",
        examples=["editor", "language:cs"],
    )
    kind: Kind
    before: dict[str, Any] | None = Field(description="What was said of it; null where it was not there.")
    after: dict[str, Any] | None = Field(description="What is said of it; null where it is gone.")


class NarrowedOut(Out):
    """Somebody who may do less."""

    identity_id: str
    identity_name: str
    role: str
    lost: list[PolicyOut] = Field(description="The policies of that role that are not covered any more.")


class CatalogDiffOut(Out):
    """What applying a catalog changes, and whom it narrows."""

    revision: int = Field(description="The revision that it was compared with; 0 where there was no catalog.")
    changes: list[CatalogChangeOut]
    narrowed: list[NarrowedOut] = Field(
        description="The first 100; empty for a caller without `identities:read`."
    )
    narrowed_total: int = Field(description="How many memberships are left with less.")


class AppliedCatalogOut(CatalogDiffOut):
    """The catalog as it stands now, and what was changed."""

    catalog: CatalogOut


def read_nothing() -> None:
    """The catalog of a tenant takes nothing to be found."""


def read_document(body: CatalogDocumentIn) -> CatalogDocument:
    """A catalog to be compared."""
    return CatalogDocument(body.document)


def read_new(body: CatalogIn) -> NewCatalog:
    """A catalog to be applied."""
    return NewCatalog(body.document, body.expected_revision)


def show(view: CatalogView) -> CatalogOut:
    """The catalog as it stands."""
    return CatalogOut(
        document=dict(view.document),
        api_roles=list(view.api_roles),
        revision=view.revision,
        applied_at=view.applied_at,
        applied_by=view.applied_by,
    )


def _diff(diff: CatalogDiff) -> dict[str, Any]:
    return {
        "revision": diff.revision,
        "changes": [
            CatalogChangeOut(
                section=one.section, name=one.name, kind=one.kind, before=one.before, after=one.after
            )
            for one in diff.changes
        ],
        "narrowed": [
            NarrowedOut(
                identity_id=one.identity_id,
                identity_name=one.identity_name,
                role=one.role,
                lost=[PolicyOut.model_validate(mapping.plain(policy.to_plain())) for policy in one.lost],
            )
            for one in diff.narrowed
        ],
        "narrowed_total": diff.narrowed_total,
    }


def show_diff(diff: CatalogDiff) -> CatalogDiffOut:
    """What applying a catalog would change."""
    return CatalogDiffOut(**_diff(diff))


def show_applied(applied: AppliedCatalog) -> AppliedCatalogOut:
    """A catalog that was applied."""
    return AppliedCatalogOut(catalog=show(applied.view), **_diff(applied.diff))


def declare(door: Door) -> None:
    """Declare the routes of the catalog."""
    door.route(
        "GET",
        "/catalog",
        catalog.get_catalog,
        read=read_nothing,
        show=show,
        model=CatalogOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/catalog/diff",
        catalog.diff_catalog,
        read=read_document,
        show=show_diff,
        model=CatalogDiffOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "PUT",
        "/catalog",
        catalog.apply_catalog,
        read=read_new,
        show=show_applied,
        model=AppliedCatalogOut,
        refusals=(404, 409),
        tag=_TAG,
    )
