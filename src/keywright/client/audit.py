"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from keywright.client.calls import Call, Listing, S, Stream, call, listing, stream
from keywright.client.resources import Resource, plain

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Unpack

    from keywright.client.values import Page

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


class Audit(Resource[S]):
    """The audit trail of a tenant or, for a client whose tenant is `*`, of the installation."""

    @call
    def page(self, **filters: Unpack[AuditFilters]) -> Call[Page]:
        """One page of a list, the newest entry first."""
        return self._page(_PATH, filters)

    @listing
    def list(self, **filters: Unpack[AuditFilters]) -> Listing:
        """Go through a whole list; further pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    @stream
    def export(self, **filters: Unpack[ExportFilters]) -> Stream:
        """All entries as one stream, the newest first; raises when it breaks off before its end."""
        return Stream(f"{_PATH}/export", plain(filters))
