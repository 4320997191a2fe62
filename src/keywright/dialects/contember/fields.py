"""What the fields of one request share, and how one that runs a use case is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias

from keywright.core.errors import KeywrightError
from keywright.dialects.contember.errors import NOT_ALLOWED, bad_input, told
from keywright.dialects.contember.mapping import id_of, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLResolveInfo

    from keywright.services.callers import Caller
    from keywright.services.service import Services
    from keywright.services.users import UserView
    from keywright.web.asking import Asking
    from keywright.web.visit import Visit

Args: TypeAlias = dict[str, Any]
Resolver: TypeAlias = "Callable[..., Any]"


@dataclass(slots=True)
class Request:
    """One request: who asks, with what token, and what was looked up for it so far."""

    services: Services
    asking: Asking
    visit: Visit
    token: str = field(repr=False)
    people: dict[str, dict[str, UserView]] = field(default_factory=dict)
    """The people of a project, by its slug and their id."""

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.asking.call.caller

    def may_everywhere(self, action: str) -> bool:
        """Whether the caller may do this in every project, and so be told that there is none of a name."""
        return self.caller.may(None, action)

    def may_somewhere(self, *actions: str) -> bool:
        """Whether the caller may do one of these in any place."""
        caller = self.caller
        places = {None, *caller.tenant_ids} if caller.bound is None else {caller.bound.id}
        return any(caller.may(place, action) for place in places for action in actions)


def root(run: Callable[[Request, Args], Any], refusal: str = NOT_ALLOWED) -> Resolver:
    """A resolver of a root field; `refusal` is the sentence for whoever may not do what it does."""

    async def resolve(_root: object, info: GraphQLResolveInfo[Any], **args: Any) -> Any:  # noqa: ANN401 - any shape
        try:
            found = run(info.context, args)
            return await found if isawaitable(found) else found
        except KeywrightError as error:
            raise told(error, refusal) from None

    return resolve


def inner(run: Callable[[Any, Request], Any]) -> Resolver:
    """A resolver of a field without arguments inside of something that was found."""

    def resolve(parent: Any, info: GraphQLResolveInfo[Any]) -> Any:  # noqa: ANN401 - any shape
        return run(parent, info.context)

    return resolve


def named(kind: str, uuid: str) -> str:
    """Our id of what a UUID names. Raises a `UserInputError` for what is no UUID."""
    found = id_of(kind, uuid)
    if found is None:
        raise bad_input("Invalid id. Must be a UUID.")
    return found


def done(result: object = None) -> dict[str, Any]:
    """The answer of a mutation that went well."""
    return {"ok": True, "errors": [], "result": result}


def failed(code: str, message: str, **more: object) -> dict[str, Any]:
    """The answer of a mutation that did not, with a code of its own."""
    error = {"code": code, "developerMessage": message, **more}
    return {"ok": False, "error": error, "errors": [error]}


def no_project(slug: str) -> dict[str, Any]:
    """The answer to who may see every project, about one that is not there."""
    return failed(
        "PROJECT_NOT_FOUND", f"Project {said(slug)} was not found or you are not allowed to access it."
    )
