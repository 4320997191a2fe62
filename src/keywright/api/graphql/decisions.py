"""The field that answers whether the holder of a token may do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import RootField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import Request
    from keywright.services.work import Call


class VerifyField(RootField):
    """Asks the decisions, which see to the permission `keys:verify` themselves."""

    async def answer(self, request: Request, call: Call, args: dict[str, Any]) -> Any:  # noqa: ANN401 - any shape
        """The verdict, counted like those of every other door."""
        decisions = request.services.decisions
        asker = await decisions.enter(call.caller, call.tenant)
        decision = await decisions.answer(asker, mapping.question(args))
        request.metrics.decision(decision.code, "graphql")
        return mapping.verdict(decision)


QUERIES: Final[Mapping[str, RootField]] = {"verify": VerifyField()}
