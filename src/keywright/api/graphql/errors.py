"""Errors as GraphQL answers them: the codes of the core in `extensions.code`, and no value that was sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphql import FieldNode

from keywright.core.errors import InvalidType, KeywrightError, TooManyAttempts
from keywright.ops.logging import get_logger
from keywright.web.graphql.engine import raised_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError, SourceLocation

Fault = dict[str, Any]
"""One entry of `errors`."""

INTERNAL = "Something went wrong inside Keywright. The request id finds it in the log."
# What the services call a field and this door calls otherwise.
_RENAMED = {"limit": "first", "cursor": "after", "Idempotency-Key": "idempotencyKey"}
_INNER_WORD = re.compile(r"_([a-z])")

log = get_logger("keywright.graphql")


class Rejected(Exception):
    """The request is answered with these errors, and nothing of it was run."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(f"{len(faults)} errors")
        self.faults = list(faults)


def fault(
    code: str,
    message: str,
    *,
    locations: Sequence[SourceLocation] | None = None,
    path: Sequence[str | int] | None = None,
    **extensions: object,
) -> Fault:
    """An entry of `errors`; extensions that are None are left out."""
    found: Fault = {"message": message}
    if locations:
        found["locations"] = [{"line": place.line, "column": place.column} for place in locations]
    if path:
        found["path"] = list(path)
    present = {name: value for name, value in extensions.items() if value is not None}
    found["extensions"] = {"code": code, **present}
    return found


def fault_of(
    error: KeywrightError,
    *,
    locations: Sequence[SourceLocation] | None = None,
    path: Sequence[str | int] | None = None,
) -> Fault:
    """An error of the core, with its code, its field in the words of this door, and when to try again."""
    return fault(
        error.code,
        error.detail,
        locations=locations,
        path=path,
        field=field_name(error.field) if error.field else None,
        retry_after=error.retry_after if isinstance(error, TooManyAttempts) else None,
        **error.extras,
    )


def internal(request_id: str, path: Sequence[str | int] | None = None) -> Fault:
    """What is said of a defect: nothing but where to look."""
    return fault("internal_error", INTERNAL, path=path, request_id=request_id)


def executed(error: GraphQLError, request_id: str) -> Fault:
    """An error that came up while a field was resolved. What nobody expected is logged."""
    cause = raised_in(error, KeywrightError)
    if cause is not None:
        return fault_of(cause, locations=error.locations, path=error.path)
    if error.nodes and not isinstance(error.nodes[0], FieldNode):
        # Only an argument is blamed by its own place: one whose variable turned out to be null.
        wrong = InvalidType("An argument has a value that it cannot take.")
        return fault_of(wrong, locations=error.locations, path=error.path)
    log.error("unexpected_error", exc_info=error.original_error or error)
    return internal(request_id, error.path)


def field_name(name: str) -> str:
    """A field as this door calls it: `allowed_cidrs.0` is `allowedCidrs.0`."""
    name = _RENAMED.get(name, name)
    return _INNER_WORD.sub(lambda found: found[1].upper(), name)
