"""How a root field is declared: by the use case it runs, what it reads and what it shows.

There is no other way to data: a resolver is given the arguments, and the request with its caller, by this alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from keywright.core.errors import InvalidValue, NotFound, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graphql import GraphQLResolveInfo

    from keywright.core.changes import Receipt
    from keywright.ops.metrics import Metrics
    from keywright.services.service import Services
    from keywright.services.work import Call, UseCase
    from keywright.web.visit import Visit

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Request:
    """What the fields of one request share. `call` is None where the query needs no credential."""

    services: Services
    metrics: Metrics
    call: Call | None
    visit: Visit | None = None


class RootField(ABC):
    """A resolver of a root field. It runs for a caller or not at all."""

    async def __call__(self, _root: object, info: GraphQLResolveInfo[Any], **args: Any) -> Any:  # noqa: ANN401 - any shape
        """Resolve the field; raises the errors of `core.errors`."""
        request: Request = info.context
        if request.call is None:
            raise Unauthenticated("This needs a credential.")
        return await self.answer(request, request.call, args)

    @abstractmethod
    async def answer(self, request: Request, call: Call, args: dict[str, Any]) -> Any:  # noqa: ANN401 - any shape
        """The field's value for a caller."""


@dataclass(frozen=True, slots=True)
class OpenField:
    """A resolver of a root field that anybody may use, because who is to be logged in has no credential yet.

    A query with no other fields is answered without a credential, and one that is sent counts for nothing.
    """

    run: Callable[[Services, Visit, dict[str, Any]], Awaitable[Any]]

    async def __call__(self, _root: object, info: GraphQLResolveInfo[Any], **args: Any) -> Any:  # noqa: ANN401 - any shape
        """Resolve the field; raises the errors of `core.errors`."""
        request: Request = info.context
        assert request.visit is not None  # noqa: S101 - every request that runs has come from somewhere
        return await self.run(request.services, request.visit, args)


Resolver: TypeAlias = RootField | OpenField
"""What resolves a root field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCaseField(RootField, Generic[In, Out]):
    """A root field that runs a use case.

    `read` makes the use case's input from the arguments, `show` the field's value from its result and that
    input. With `or_null` the value is null when there is no such thing. Where the use case touches, the receipt
    stands in the value too.
    """

    use: UseCase[In, Out]
    read: Callable[[dict[str, Any]], In]
    show: Callable[[Out, In], Any]
    or_null: bool = False

    async def answer(self, request: Request, call: Call, args: dict[str, Any]) -> Any:  # noqa: ANN401 - any shape
        """Run the use case; see `Services.change`."""
        data = self.read(args)
        try:
            changed = await request.services.change(self.use, _as_asked(call, args), data)
        except NotFound as missing:
            # A NotFound that blames a field is about something else, such as the tenant that was named.
            if self.or_null and missing.field is None:
                return None
            raise
        shown = self.show(changed.result, data)
        return shown if changed.receipt is None else {**shown, "receipt": receipt(changed.receipt)}


def runs(
    use: UseCase[In, Out],
    read: Callable[[dict[str, Any]], In],
    show: Callable[[Out], Any],
    *,
    or_null: bool = False,
) -> UseCaseField[In, Out]:
    """A root field that runs a use case and shows its result."""
    return UseCaseField(use=use, read=read, show=lambda result, _: show(result), or_null=or_null)


def lists(
    use: UseCase[In, Out], read: Callable[[dict[str, Any]], In], show: Callable[[Out, In], Any]
) -> UseCaseField[In, Out]:
    """A root field that runs a use case and shows a page, which depends on what was asked for."""
    return UseCaseField(use=use, read=read, show=show)


def receipt(found: Receipt) -> dict[str, Any]:
    """A receipt."""
    return {
        "epoch": found.epoch,
        "complete": found.complete,
        "waitedMs": found.waited_ms,
        "nodes": [{"id": one.id, "outcome": one.outcome} for one in found.nodes],
        "effectiveBy": found.effective_by,
    }


def _as_asked(call: Call, args: dict[str, Any]) -> Call:
    """The call as the input says: without waiting, and under an idempotency key; a header must say the same one."""
    asked = args.get("input") or {}
    if asked.get("wait") is False:
        call = replace(call, wait=False)
    given = asked.get("idempotencyKey")
    if given is None:
        return call
    if call.idempotency_key not in (None, given):
        raise InvalidValue("The header Idempotency-Key says another key.", field="idempotency_key")
    return replace(call, idempotency_key=given)
