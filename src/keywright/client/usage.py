"""Usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from keywright.client.calls import Call, S, call
from keywright.client.resources import Resource, path_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any, Unpack

    from keywright.client.values import Json


class UsageSpan(TypedDict, total=False):
    """From when to when, and `by` hour or day; as in the REST API."""

    since: datetime | str | None
    until: datetime | str | None
    by: str | None


class TenantUsageSpan(UsageSpan, total=False):
    """The same, and how many of the busiest keys to name."""

    top: int | None


class Usage(Resource[S]):
    """What came of the uses of keys; for a client whose tenant is `*`, of the global ones."""

    @call
    def of_key(self, key_id: str, **span: Unpack[UsageSpan]) -> Call[Json]:
        """The usage of one key, with the actions that it was allowed and what of its scope was not needed."""
        return self._counted(f"{path_of('/v1/keys', key_id)}/usage", span)

    @call
    def of_all(self, **span: Unpack[TenantUsageSpan]) -> Call[Json]:
        """The usage of all keys of the tenant, with the busiest of them."""
        return self._counted("/v1/usage", span)

    def _counted(self, path: str, query: Mapping[str, Any]) -> Call[Json]:
        return Call("GET", path, self._having("totals"), query=plain(query), retry=True)
