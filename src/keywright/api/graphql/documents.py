"""Documents: from the text of a query to what can be run, remembered for as long as it is in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import GraphQLSyntaxError, validate

from keywright.api.graphql.cost import Price, Pricing, page_defaults
from keywright.api.graphql.errors import Rejected, fault
from keywright.api.graphql.fields import OpenField
from keywright.api.graphql.messages import INVALID, Messages
from keywright.web.graphql.kept import Kept
from keywright.web.graphql.shape import BeyondLimits, Shape, operations, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

MAX_ERRORS: Final = 20


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that can be run, and the document it stands in.

    `touches_data` is false for what needs no credential: questions about the schema, and fields open to anybody.
    """

    tree: DocumentNode
    node: OperationDefinitionNode
    touches_data: bool
    price: Price
    defaults: Mapping[str, object]

    @property
    def name(self) -> str | None:
        """The operation's name."""
        return None if self.node.name is None else self.node.name.value

    def check_cost(self, variables: Mapping[str, object]) -> None:
        """Raise `Rejected` when it costs too much with these variables."""
        self.price.check({**self.defaults, **variables} if self.price.by_variable else {})


@dataclass(frozen=True, slots=True)
class Document:
    """The operations of a valid document. It does not know the places in its text, which take most of the memory."""

    operations: Mapping[str | None, Operation]

    def operation(self, name: str | None) -> Operation:
        """The operation with this name, or the only one; raises `Rejected`."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = None if name is None else self.operations.get(name)
        if found is None:
            several = "The query holds several operations; operationName says which one to run."
            message = several if name is None else "The query holds no operation with this name."
            raise Rejected(fault(INVALID, message, field="operationName"))
        return found


class Documents:
    """The documents of one schema. Those used last are kept, within bounds; one that holds a token never is."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._messages = Messages(schema)
        self._open = _open_fields(schema)
        self._kept: Kept[Document] = Kept()

    def get(self, text: str) -> Document:
        """The document of a query's text; raises `Rejected` for what is not valid or over the limits."""
        document = self._kept.find(text)
        if document is None:
            document = self._read(text)
            self._kept.keep(text, document)
        return document

    def __len__(self) -> int:
        """How many documents are kept."""
        return len(self._kept)

    def _read(self, text: str) -> Document:
        try:
            tree = parsed(text)
            shape = Shape(tree)
        except BeyondLimits as beyond:
            raise Rejected(fault(beyond.code, beyond.message)) from None
        except GraphQLSyntaxError as unreadable:
            message = "The query cannot be read from here on."
            raise Rejected(fault("graphql_parse_failed", message, locations=unreadable.locations)) from None
        if validate(self._schema, tree, max_errors=1, hide_suggestions=True):
            # A second time with the places in the text, which only what is wrong has a use for.
            wrong = validate(self._schema, parsed(text, places=True), max_errors=MAX_ERRORS)
            raise Rejected(*(self._messages.fault(error) for error in wrong[:MAX_ERRORS]))
        pricing = Pricing(self._schema, tree)
        found = [
            Operation(
                tree,
                node,
                touches_data=shape.touches_data(node, self._open),
                price=pricing.operation(node),
                defaults=page_defaults(node),
            )
            for node in operations(tree)
        ]
        return Document({operation.name: operation for operation in found})


def _open_fields(schema: GraphQLSchema) -> frozenset[str]:
    """The root fields that anybody may use."""
    return frozenset(
        name
        for root in (schema.query_type, schema.mutation_type)
        for name, field in (root.fields if root else {}).items()
        if isinstance(field.resolve, OpenField)
    )
