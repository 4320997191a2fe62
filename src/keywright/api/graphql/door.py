"""The GraphQL door as one ASGI application: a request in, one answer of GraphQL over HTTP out."""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, Executor

from keywright.api.graphql.documents import Documents
from keywright.api.graphql.errors import Fault, Rejected, executed, fault, fault_of, internal, log
from keywright.api.graphql.fields import Request
from keywright.api.graphql.requests import GRAPHQL_RESPONSE, from_browser, media_type, read
from keywright.api.graphql.schema import build_schema
from keywright.api.graphql.variables import first_fault
from keywright.core.errors import KeywrightError
from keywright.web.calls import call_of
from keywright.web.errors import encode, problem_of, send_json
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.api.graphql.documents import Operation
    from keywright.ops.metrics import Metrics
    from keywright.services.service import Services
    from keywright.services.work import Call
    from keywright.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, apart from its media type."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class GraphQLDoor:
    """`POST /graphql`. A browser that comes by GET is sent to the explorer."""

    def __init__(self, services: Services, metrics: Metrics) -> None:
        self.schema = build_schema()
        self.documents = Documents(self.schema)
        self._services = services
        self._metrics = metrics

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one request, always in the form of GraphQL."""
        visit = visit_of(scope)
        accept = visit.listed(b"accept")
        kind = media_type(accept)
        if scope["method"] == "POST":
            answer = await self._guarded(visit, kind)
        elif scope["method"] == "GET" and from_browser(accept):
            answer = Answer(b"", 302, {"Location": "/graphiql"})
        else:
            refusal = fault("method_not_allowed", "Queries and mutations are sent with POST.")
            answer = refused([refusal], 405, {"Allow": "POST"})
        await send_json(send, answer.status, answer.body, answer.headers, f"{kind}; charset=utf-8")

    async def _guarded(self, visit: Visit, kind: str) -> Answer:
        try:
            return await self._answer(visit, kind)
        except Exception as defect:  # noqa: BLE001 - clients of GraphQL are answered in its form whatever happens
            log.error("unexpected_error", exc_info=defect)
            return refused([internal(visit.request_id)], 500)

    async def _answer(self, visit: Visit, kind: str) -> Answer:
        try:
            asked = read(visit.body)
        except KeywrightError as wrong:
            return refused([fault_of(wrong)], 400)
        variables = asked.variables or {}
        try:
            operation = self.documents.get(asked.query).operation(asked.operation_name)
            operation.check_cost(variables)
            call = await call_of(visit, self._services) if operation.touches_data else None
            executor = self._executor(operation, variables, call, visit)
        except Rejected as rejected:
            # To plain JSON, GraphQL over HTTP counts this as an answer like any other.
            return refused(rejected.faults, 400 if kind == GRAPHQL_RESPONSE else 200)
        except KeywrightError as denied:
            found, headers = problem_of(denied, visit.request_id)
            return refused([fault_of(denied)], found.status, headers)
        return await _executed(executor, visit.request_id)

    def _executor(
        self, operation: Operation, variables: dict[str, Any], call: Call | None, visit: Visit
    ) -> Executor[Any]:
        """What will run an operation; raises `Rejected` when the variables do not fit it."""
        executor = Executor.build(
            self.schema,
            operation.tree,
            context_value=Request(self._services, self._metrics, call, visit),
            raw_variable_values=variables,
            operation_name=operation.name,
            max_coercion_errors=1,
            hide_suggestions=True,
        )
        if isinstance(executor, list):
            raise Rejected(fault_of(first_fault(self.schema, operation.node, variables)))
        return executor


async def _executed(executor: Executor[Any], request_id: str) -> Answer:
    # One field after the other, also of a query: a request then holds one connection to the database at a
    # time, and none of its transactions is cancelled because another field failed.
    result = executor.execute_operation(serially=True)
    if isawaitable(result):
        result = await result
    assert isinstance(result, ExecutionResult)  # noqa: S101 - this executor delivers nothing in parts
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [executed(error, request_id) for error in result.errors]
    return Answer(encode(body))


def refused(faults: Sequence[Fault], status: int, headers: Mapping[str, str] | None = None) -> Answer:
    """The answer to a request of which nothing was run: it has no `data`."""
    return Answer(encode({"errors": faults}), status, headers or {})


def graphql_door(services: Services, metrics: Metrics) -> GraphQLDoor:
    """The door over these services. It expects the edge around it, which reads the body of a request."""
    return GraphQLDoor(services, metrics)
