"""The schema of a dialect as something that can be asked: documents read and kept, and run with their variables.

What is wrong with a request is said in the words of graphql-js, which the systems that are imitated run on, without
the values that were sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSyntaxError,
    print_ast,
    type_from_ast,
    validate,
)

from keywright.core.tokens import redact
from keywright.web.graphql.kept import Kept
from keywright.web.graphql.shape import BeyondLimits, Shape, operations, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

MAX_ERRORS: Final = 20
MAX_KEPT_TOTAL: Final = 256 * 1024
"""The texts of all kept documents of one schema: these know the places in their text, which takes memory."""
_QUOTED: Final = re.compile(r"'([^']*)'")
_LONG: Final = re.compile(r"\w{36,}")
_VARIABLE: Final = re.compile(r"Variable '\$(\w+)' has invalid value(?: at ([\w.\[\]]+))?:")


Raised = TypeVar("Raised", bound=Exception)


class Invalid(Exception):
    """A request of which nothing was run; `errors` say what is wrong with it, and hold no token."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that can be run, and the document it stands in."""

    tree: DocumentNode
    node: OperationDefinitionNode

    @property
    def name(self) -> str | None:
        """The operation's name."""
        return None if self.node.name is None else self.node.name.value

    @property
    def mutates(self) -> bool:
        """Whether it is a mutation."""
        return self.node.operation.value == "mutation"


class Engine:
    """A schema whose root fields have their resolvers."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._kept: Kept[tuple[Operation, ...]] = Kept(MAX_KEPT_TOTAL)

    def operation(self, text: str, name: str | None = None) -> Operation:
        """The operation of this name in a query's text, or its only one; raises `Invalid`."""
        found = self._kept.find(text)
        if found is None:
            found = self._read(text)
            self._kept.keep(text, found)
        if name is None and len(found) > 1:
            raise Invalid(GraphQLError("Must provide operation name if query contains multiple operations."))
        for one in found:
            if name is None or one.name == name:
                return one
        raise Invalid(GraphQLError("Must provide an operation."))

    async def run(
        self, operation: Operation, variables: Mapping[str, Any] | None, context: object
    ) -> ExecutionResult:
        """Run an operation, one field after the other; raises `Invalid` for variables that do not fit it.

        The errors of the result hold in `original_error` what the resolvers raised.
        """
        executor = Executor.build(
            self.schema,
            operation.tree,
            context_value=context,
            raw_variable_values=dict(variables or {}),
            operation_name=operation.name,
            max_coercion_errors=MAX_ERRORS,
            hide_suggestions=True,
        )
        if isinstance(executor, list):
            raise Invalid(*self._misfits(operation.node, variables or {}, executor))
        # A request then holds one connection to the database at a time, and none of its transactions is
        # cancelled because another field failed.
        result = executor.execute_operation(serially=True)
        if isawaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult)  # noqa: S101 - this executor delivers nothing in parts
        return result

    def _read(self, text: str) -> tuple[Operation, ...]:
        try:
            tree = parsed(text, places=True)
            Shape(tree)
        except BeyondLimits as beyond:
            raise Invalid(GraphQLError(beyond.message)) from None
        except GraphQLSyntaxError as unreadable:
            raise Invalid(cleared(unreadable)) from None
        wrong = validate(self.schema, tree, max_errors=MAX_ERRORS)
        if wrong:
            raise Invalid(*map(cleared, wrong[:MAX_ERRORS]))
        return tuple(Operation(tree, node) for node in operations(tree))

    def _misfits(
        self, node: OperationDefinitionNode, variables: Mapping[str, Any], errors: list[GraphQLError]
    ) -> list[GraphQLError]:
        """What is wrong with the variables: which one, where in it, and what is expected there."""
        found = []
        definitions = {one.variable.name.value: one for one in node.variable_definitions or ()}
        for error in errors:
            matched = _VARIABLE.match(error.message)
            if matched is None:
                found.append(cleared(error))
                continue
            name, path = matched.groups()
            definition = definitions[name]
            kind, shown = print_ast(definition.type), _hidden(name)
            needed = isinstance(type_from_ast(self.schema, definition.type), GraphQLNonNull) and path is None
            if needed and name not in variables:
                message = f'Variable "${shown}" of required type "{kind}" was not provided.'
            elif needed and variables[name] is None:
                message = f'Variable "${shown}" of non-null type "{kind}" must not be null.'
            else:
                at = "" if path is None else f' at "{shown}{_hidden(path)}"'
                message = f'Variable "${shown}" got invalid value{at}; Expected type "{kind}".'
            found.append(GraphQLError(message, nodes=error.nodes))
        return found


def raised_in(error: GraphQLError, *kinds: type[Raised]) -> Raised | None:
    """What a resolver raised of these kinds, however often graphql has wrapped it; None for anything else."""
    cause: BaseException | None = error.original_error
    while cause is not None and not isinstance(cause, kinds):
        cause = getattr(cause, "original_error", None)
    return cause


def cleared(error: GraphQLError) -> GraphQLError:
    """An error of graphql-core in the words of graphql-js, without what may be a token in it."""
    message = _hidden(_QUOTED.sub(r'"\1"', error.message))
    return GraphQLError(message, nodes=error.nodes, source=error.source, positions=error.positions)


def _hidden(text: str) -> str:
    """A text without tokens: those in our form, and any word as long as one."""
    return _LONG.sub("…", redact(text))
