"""The cost of a query: about how many values it asks for. The rule is written down in `docs/graphql.md`.

It is worked out once per valid document; variables matter to it only through the sizes of pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

class _Page(NamedTuple):
    """The page of a list, as it stands in the query: a number, or a variable."""

    size: int = 0
    variable: str | None = None


class Pricing:
    """Works out what the operations of one valid document cost."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, _Page | None], Price] = {}

    def operation(self, operation: OperationDefinitionNode) -> Price:
        """What an operation costs, with the transactions that its root fields open."""
        root = self._schema.get_root_type(operation.operation)
        return self._selected(operation.selection_set, root, None)

    def _selected(self, selected: SelectionSetNode, parent: Any, page: _Page | None) -> Price:  # noqa: ANN401 - any composite type
        total: Price = {}
        for selection in selected.selections:
            if isinstance(selection, FieldNode):
                _add(total, self._field(selection, parent, page))
            elif isinstance(selection, FragmentSpreadNode):
                _add(total, self._fragment(selection.name.value, page))
            else:
                _add(total, self._selected(inner_of(selection), self._condition(selection, parent), page))
        return total

    def _fragment(self, name: str, page: _Page | None) -> Price:
        """A fragment's price, worked out once for each kind of page: spreads can double from level to level."""
        if (name, page) not in self._known:
            fragment = self._fragments[name]
            self._known[name, page] = self._selected(
                fragment.selection_set, self._condition(fragment, None), page
            )
        return self._known[name, page]

    def _condition(self, fragment: Any, parent: Any) -> Any:  # noqa: ANN401 - any composite type
        named = fragment.type_condition
        return parent if named is None else self._schema.type_map[named.name.value]

    def _field(self, node: FieldNode, parent: Any, page: _Page | None) -> Price:  # noqa: ANN401 - any composite type
        field = self._schema.get_field(parent, node.name.value)
        price: Price = {None: 1}
        if field is None or node.selection_set is None:
            return price
        inner_page = _page_of(node) if "first" in field.args else None
        inner = self._selected(node.selection_set, get_named_type(field.type), inner_page)
        if not _is_list(field.type):
            _add(price, inner)
        elif page is None:
            _add(price, _times(inner, _SCHEMA_LISTS.get(node.name.value, LIST_SIZE)))
        else:
            _add(price, _paged(inner, page))
        return price


def _is_list(kind: GraphQLOutputType) -> bool:
    bare = kind.of_type if is_non_null_type(kind) else kind
    return is_list_type(bare) and is_composite_type(get_named_type(kind))


def _page_of(node: FieldNode) -> _Page:
    for argument in node.arguments:
        if argument.name.value == "first":
            if isinstance(argument.value, VariableNode):
                return _Page(variable=argument.value.name.value)
            if isinstance(argument.value, IntValueNode):
                return _Page(_bounded(int(argument.value.value)))
    return _Page(DEFAULT_PAGE)


def _bounded(size: int) -> int:
    return max(0, min(size, MAX_PAGE))  # what is out of bounds is refused before anything is read


def _add(total: Price, more: Price) -> None:
    for name, units in more.items():
        total[name] = total.get(name, 0) + units


def _times(price: Price, factor: int) -> Price:
    return {name: units * factor for name, units in price.items()}


def _paged(price: Price, page: _Page) -> Price:
    """The price of as many as stand on a page. A page in a page counts as full, so that the sum stays linear."""
    if page.variable is None:
        return _times(price, page.size)
    inner = sum(units * (1 if name is None else MAX_PAGE) for name, units in price.items())
    return {page.variable: inner}


def page_defaults(operation: OperationDefinitionNode) -> dict[str, int]:
    """The default values of an operation's variables, of those that are whole numbers."""
    return {
        one.variable.name.value: int(one.default_value.value)
        for one in operation.variable_definitions
        if isinstance(one.default_value, IntValueNode)
    }


def total(price: Price, variables: Mapping[str, object], defaults: Mapping[str, int]) -> int:
    """What a price comes to with these variables; a value that is no number counts as a full page."""
    cost = 0
    for name, units in price.items():
        if name is None:
            cost += units
            continue
        size = variables.get(name, defaults.get(name))
        if size is None:
            cost += units * DEFAULT_PAGE
        else:
            cost += units * (_bounded(size) if isinstance(size, int) else MAX_PAGE)
    return cost


def check_cost(cost: int, schema_cost: int) -> None:
    """Refuse what costs too much."""
    if cost > MAX_COST:
        message = f"This query costs {cost} and may cost {MAX_COST}. Ask for fewer fields, or for smaller pages."
        raise Rejected(fault("query_too_costly", message, cost=cost))
    if schema_cost > MAX_SCHEMA_COST:
        raise Rejected(fault("query_too_costly", "This query asks too much about the schema at once."))
