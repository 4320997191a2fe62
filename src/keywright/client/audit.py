"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from keywright.client.resources import Resource, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/audit"


class ExportFilters(TypedDict, total=False):
    """Which entries to export; as in the REST API."""

    actor: str | None
    target: str | None
    action: str | None
    since: datetime | str | None
    until: datetime | str | None


class AuditFilters(ExportFilters, total=False):
    """Which entries to list, and how many a page; as in the REST API."""

    limit: int | None
    cursor: str | None


class Audit(Resource):
    """The audit trail of a tenant or, for a client whose tenant is `*`, of the installation."""

    def page(self, **filters: Unpack[AuditFilters]) -> Page:
        """One page of a list, the newest entry first."""
        return self._page(_PATH, filters)

    def list(self, **filters: Unpack[AuditFilters]) -> Iterator[Json]:
        """Go through a whole list; further pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    def export(self, **filters: Unpack[ExportFilters]) -> Iterator[Json]:
        """All entries as one stream, the newest first; raises when it breaks off before its end."""
        return self._transport().lines(f"{_PATH}/export", plain(filters))
