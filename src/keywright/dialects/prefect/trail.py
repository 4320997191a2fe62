"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import InvalidValue
from keywright.core.listing import MAX_PAGE
from keywright.dialects.prefect import mapping
from keywright.dialects.prefect.hasura import ordered
from keywright.services.trail import ListEntries, list_entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.prefect.fields import Field
    from keywright.dialects.prefect.requests import Request

DEFAULT: Final = 100
"""Entries in an answer, unless another number is asked for."""


async def audit_log(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """The newest entries of the trail, in the wanted order."""
    asking = await request.asking()
    limit = DEFAULT if args.get("limit") is None else args["limit"]
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidValue(f"A limit is 1 to {MAX_PAGE}.", field="limit")
    found = await asking.run(list_entries, ListEntries(limit=limit))
    return ordered([mapping.plain_entry(one) for one in found.items], args.get("order_by"))


QUERIES: Mapping[str, Field] = {"audit_log": audit_log}
