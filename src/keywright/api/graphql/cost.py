"""The cost of a query: about how many values it asks for. The rule is written down in `docs/graphql.md`.

It is worked out once per valid document; variables matter to it only through the sizes of pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)

from keywright.api.graphql.errors import Rejected, fault
from keywright.core.listing import DEFAULT_PAGE, MAX_PAGE
from keywright.web.graphql.shape import inner_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import (
        DocumentNode,
        GraphQLOutputType,
        GraphQLSchema,
        OperationDefinitionNode,
        SelectionSetNode,
    )

MAX_COST: Final = 15_000
MAX_SCHEMA_COST: Final = 100_000
ROOT_COST: Final = 10
"""What a field at the root costs more than another: it opens a transaction."""
LIST_SIZE: Final = 5
"""As how many items a list counts that is not paged."""
_SCHEMA_LISTS: Final = {"types": 50, "fields": 10, "inputFields": 10, "enumValues": 10, "args": 2}
ROOT_LISTS: Final = {"roles": 50}
"""As how many items the lists at the root count that are not paged."""
LONG_LISTS: Final = {"buckets": 50}
"""As how many items the lists elsewhere count that are not paged and long."""
_SCHEMA_ROOTS: Final = frozenset({"__schema", "__type"})
_MAX_DIGITS: Final = 10


@dataclass(slots=True)
class Price:
    """What a selection costs: a fixed part, a part for each unit of a variable, and a part for the schema itself."""

    fixed: int = 0
    schema: int = 0
    by_variable: dict[str, int] = field(default_factory=dict)

    def add(self, other: Price) -> None:
        """Add another price to this one."""
        self.fixed += other.fixed
        self.schema += other.schema
        for name, units in other.by_variable.items():
            self.by_variable[name] = self.by_variable.get(name, 0) + units

    def times(self, factor: int) -> Price:
        """Give the price of so many of these."""
        by_variable = {name: units * factor for name, units in self.by_variable.items()}
        return Price(self.fixed * factor, self.schema * factor, by_variable)

    def paged(self, page: Page) -> Price:
        """Give the price of a page of these. A page within a page counts as full, so that sums stay linear."""
        if page.variable is None:
            return self.times(page.size)
        return Price(by_variable={page.variable: self.fixed + MAX_PAGE * sum(self.by_variable.values())})

    def check(self, variables: Mapping[str, object]) -> None:
        """Raise `Rejected` when this comes to too much with these variables."""
        cost = self.fixed
        for name, units in self.by_variable.items():
            cost += units * _size(variables.get(name))
        if cost > MAX_COST:
            message = f"This query costs {cost} of at most {MAX_COST}. Ask for fewer fields or smaller pages."
            raise Rejected(fault("query_too_costly", message))
        if self.schema > MAX_SCHEMA_COST:
            raise Rejected(fault("query_too_costly", "This query asks too much about the schema at once."))


class Page(NamedTuple):
    """How many items a page has, as it stands in the query: a number, or the name of a variable."""

    size: int = DEFAULT_PAGE
    variable: str | None = None


class Pricing:
    """Works out what the operations of one valid document cost."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, Page | None], Price] = {}

    def operation(self, operation: OperationDefinitionNode) -> Price:
        """What an operation costs."""
        root = self._schema.get_root_type(operation.operation)
        return self._selected(operation.selection_set, root, None)

    def _selected(self, selected: SelectionSetNode, parent: Any, page: Page | None) -> Price:  # noqa: ANN401 - any composite type
        total = Price()
        for selection in selected.selections:
            if isinstance(selection, FieldNode):
                total.add(self._field(selection, parent, page))
            elif isinstance(selection, FragmentSpreadNode):
                total.add(self._fragment(selection.name.value, page))
            else:
                total.add(self._selected(inner_of(selection), self._condition(selection, parent), page))
        return total

    def _fragment(self, name: str, page: Page | None) -> Price:
        """A fragment's price, worked out once for each page: spreads can double from level to level."""
        if (name, page) not in self._known:
            fragment = self._fragments[name]
            condition = self._condition(fragment, None)
            self._known[name, page] = self._selected(fragment.selection_set, condition, page)
        return self._known[name, page]

    def _condition(self, fragment: Any, parent: Any) -> Any:  # noqa: ANN401 - any composite type
        named = fragment.type_condition
        return parent if named is None else self._schema.type_map[named.name.value]

    def _field(self, node: FieldNode, parent: Any, page: Page | None) -> Price:  # noqa: ANN401 - any composite type
        name = node.name.value
        definition = self._schema.get_field(parent, name)
        assert definition is not None  # noqa: S101 - the document is valid
        price = Price(1)
        if node.selection_set is not None:
            inner_page = _page_of(node) if "first" in definition.args else None
            inner = self._selected(node.selection_set, get_named_type(definition.type), inner_page)
            if not _is_list(definition.type):
                price.add(inner)
            elif page is not None:
                price.add(inner.paged(page))
            else:
                price.add(inner.times(self._length(parent, name)))
        if name in _SCHEMA_ROOTS:
            return Price(schema=price.fixed)
        if parent in (self._schema.query_type, self._schema.mutation_type):
            price.fixed += ROOT_COST
        return price

    def _length(self, parent: Any, name: str) -> int:  # noqa: ANN401 - any composite type
        """As how many items a list counts that is not paged."""
        lists = ROOT_LISTS if parent is self._schema.query_type else _SCHEMA_LISTS | LONG_LISTS
        return lists.get(name, LIST_SIZE)


def _is_list(kind: GraphQLOutputType) -> bool:
    bare = kind.of_type if is_non_null_type(kind) else kind
    return is_list_type(bare) and is_composite_type(get_named_type(kind))


def _page_of(node: FieldNode) -> Page:
    for argument in node.arguments or ():
        if argument.name.value == "first":
            if isinstance(argument.value, VariableNode):
                return Page(variable=argument.value.name.value)
            if isinstance(argument.value, IntValueNode):
                return Page(_bounded(int(argument.value.value)))
    return Page()


def _size(given: object) -> int:
    if given is None:
        return DEFAULT_PAGE
    return _bounded(given) if isinstance(given, int) else MAX_PAGE


def _bounded(size: int) -> int:
    return max(0, min(size, MAX_PAGE))  # what is out of bounds is refused before anything is read


def page_defaults(operation: OperationDefinitionNode) -> dict[str, object]:
    """The default values of the operation's variables that can be sizes of pages."""
    return {
        one.variable.name.value: int(one.default_value.value)
        for one in operation.variable_definitions or ()
        if isinstance(one.default_value, IntValueNode) and len(one.default_value.value) <= _MAX_DIGITS
    }
