"""GraphQL: one request at `/api` in, and one answer out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import FieldNode

from keywright.core.errors import KeywrightError, MalformedRequest
from keywright.dialects.cloudtower.bodies import json_object
from keywright.dialects.cloudtower.errors import METHOD_NOT_ALLOWED, code_of, graphql_error, headers_of
from keywright.dialects.cloudtower.request import entered
from keywright.dialects.cloudtower.schema import OPEN_FIELDS
from keywright.ops.logging import get_logger
from keywright.web.errors import encode
from keywright.web.graphql.engine import Invalid, raised_in
from keywright.web.mounts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import ExecutionResult, GraphQLError

    from keywright.services.service import Services
    from keywright.web.graphql.engine import Engine, Operation
    from keywright.web.visit import Visit

INVALID: Final = (400, "GraphQLValidationFailed")
"""A query that cannot be run as it stands."""

log = get_logger("keywright.cloudtower")


@dataclass(frozen=True, slots=True)
class GraphQLDoor:
    """`/api` and `/api/`."""

    services: Services
    tenant: str
    engine: Engine

    async def answer(self, visit: Visit, method: str) -> Answer:
        """Answer one request, always in the form of GraphQL."""
        if method != "POST":
            status, code = METHOD_NOT_ALLOWED
            refusal = {"message": "Queries are sent by POST.", "extensions": {"code": code, "status": status}}
            return _answer(status, {"errors": [refusal]}, {"Allow": "POST"})
        try:
            return await self._run(visit)
        except Invalid as invalid:
            status, code = INVALID
            extensions = {"code": code, "status": status}
            return _answer(
                status, {"errors": [{**one.formatted, "extensions": extensions} for one in invalid.errors]}
            )
        except KeywrightError as error:
            body = {"data": None, "errors": [graphql_error(error)]}
            return _answer(code_of(error)[0], body, headers_of(error))

    async def _run(self, visit: Visit) -> Answer:
        text, variables, name = _read(visit.body)
        operation = self.engine.operation(text, name)
        request = None if _is_open(operation) else await entered(visit, self.services, self.tenant)
        result = await self.engine.run(operation, variables, request)
        return _answer(200, self.shown(result))

    @staticmethod
    def shown(result: ExecutionResult) -> dict[str, Any]:
        """What was found, and which fields could not be."""
        errors = {"errors": [_executed(error) for error in result.errors]} if result.errors else {}
        return {"data": result.data, **errors}


def _answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, encode(body), headers or {})


def _read(body: bytes) -> tuple[str, dict[str, Any] | None, str | None]:
    """The query, its variables and the name of its operation. Raises `MalformedRequest`."""
    found = json_object(body)
    text, variables, name = found.get("query"), found.get("variables"), found.get("operationName")
    if not isinstance(text, str):
        raise MalformedRequest("The body has a query, which is a text.", field="query")
    if not isinstance(variables, dict | None):
        raise MalformedRequest("The variables are an object.", field="variables")
    if not isinstance(name, str | None):
        raise MalformedRequest("The name of an operation is a text.", field="operationName")
    return text, variables, name or None


def _is_open(operation: Operation) -> bool:
    """Whether all that is asked for is what anybody may know: the schema, and how to log in."""
    asked = operation.node.selection_set.selections
    return all(isinstance(one, FieldNode) and one.name.value in OPEN_FIELDS for one in asked)


def _executed(error: GraphQLError) -> dict[str, Any]:
    """An error of one field, with its place in the query and in the answer."""
    expected = raised_in(error, KeywrightError)
    if expected is None:
        log.error("unexpected_error", exc_info=error.original_error or error)
    place = {key: value for key, value in error.formatted.items() if key in {"locations", "path"}}
    return {**graphql_error(expected), **place}
