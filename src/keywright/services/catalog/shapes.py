"""What goes into and comes out of the use cases of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keywright.core.catalog import Difference
    from keywright.core.permissions import Policy


@dataclass(frozen=True, slots=True)
class CatalogDocument:
    """A catalog as plain data; its values are checked here, not at the door."""

    document: object


@dataclass(frozen=True, slots=True)
class NewCatalog:
    """A catalog to be applied, to the revision that the caller looked at (0: to none), or to any."""

    document: object
    expected_revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogView:
    """The tenant's vocabulary as it stands. `document` holds every role that the tenant defines.

    `api_roles` are those of its roles that were made beside the catalog: applying the document hands them over
    to it. Where nothing was applied yet, `revision` is 0 and the rest is None.
    """

    document: Mapping[str, object]
    api_roles: tuple[str, ...]
    revision: int
    applied_at: datetime | None
    applied_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Somebody whom a change leaves with less: the policies of one of its roles that are not covered any more."""

    identity_id: str
    identity_name: str
    role: str
    lost: tuple[Policy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDiff:
    """What applying a catalog changes from a revision on, and whom it narrows.

    `narrowed` holds the first `MAX_NARROWED` of `narrowed_total`, and nobody where the reader may not read
    identities.
    """

    revision: int
    changes: tuple[Difference, ...]
    narrowed: tuple[Narrowed, ...]
    narrowed_total: int


@dataclass(frozen=True, slots=True)
class AppliedCatalog:
    """The catalog as it stands now, and what was changed to get there."""

    view: CatalogView
    diff: CatalogDiff
