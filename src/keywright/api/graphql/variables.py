"""What is wrong with the variables of a request, said without repeating any of them.

graphql-core finds out that something is wrong and says it with the value. So where it does, the variables are
walked again here, for the first thing that does not fit, in the codes of the core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    is_required_input_field,
    type_from_ast,
)

from keywright.core.errors import InvalidType, KeywrightError, MissingField, UnknownField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema, OperationDefinitionNode

LONGEST_NAME: Final = 32
Path = tuple[str | int, ...]


def first_fault(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> KeywrightError:
    """The error for the first variable that does not fit; the operation is valid, and some variable does not."""
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        kind: Any = type_from_ast(schema, definition.type)
        value = variables.get(name, Undefined)
        if value is Undefined and (
            definition.default_value is not None or not isinstance(kind, GraphQLNonNull)
        ):
            continue
        found = _fault(value, kind, _Place(_shown(name), ()))
        if found is not None:
            return found
    return InvalidType("A variable has a value that it cannot take.")


class _Place:
    """Where in the variables a value stands."""

    __slots__ = ("_path", "_variable")

    def __init__(self, variable: str, path: Path) -> None:
        self._variable = variable
        self._path = path

    def inner(self, step: str | int) -> _Place:
        """A place within this one; a step is an index or a name of the schema."""
        return _Place(self._variable, (*self._path, step))

    @property
    def field(self) -> str:
        """The place as errors name it: within an input object its path there, else the variable."""
        return ".".join(str(step) for step in self._path) or self._variable

    def says(self, what: str) -> str:
        """A sentence on this place."""
        return f"Variable ${self._variable}: {what}"


def _fault(value: Any, kind: Any, place: _Place) -> KeywrightError | None:  # noqa: ANN401 - JSON and any input type
    if isinstance(kind, GraphQLNonNull):
        if value is Undefined:
            return MissingField(place.says(f"A value of type {kind} is missing."), field=place.field)
        if value is None:
            return InvalidType(place.says(f"A value of type {kind} cannot be null."), field=place.field)
        kind = kind.of_type
    elif value is None or value is Undefined:
        return None
    if isinstance(kind, GraphQLList):
        return _list_fault(value, kind, place)
    if isinstance(kind, GraphQLInputObjectType):
        return _object_fault(value, kind, place)
    return _leaf_fault(value, kind, place)


def _list_fault(value: Any, kind: GraphQLList[Any], place: _Place) -> KeywrightError | None:  # noqa: ANN401 - JSON
    if not isinstance(value, list):  # one value stands for a list of one
        return _fault(value, kind.of_type, place)
    found = (_fault(one, kind.of_type, place.inner(index)) for index, one in enumerate(value))
    return next((fault for fault in found if fault is not None), None)


def _object_fault(value: Any, kind: GraphQLInputObjectType, place: _Place) -> KeywrightError | None:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return InvalidType(place.says(f"A value of type {kind} is an object."), field=place.field)
    if not kind.fields.keys() >= value.keys():
        return UnknownField(place.says(f"The type {kind} has no such field."), field=place.field)
    for name, field in kind.fields.items():
        inner = value.get(name, Undefined)
        if inner is not Undefined or is_required_input_field(field):
            found = _fault(inner, field.type, place.inner(name))
            if found is not None:
                return found
    return None


def _leaf_fault(value: Any, kind: Any, place: _Place) -> KeywrightError | None:  # noqa: ANN401 - JSON and any leaf type
    wrong = InvalidType(place.says(f"A value of type {kind} is expected."), field=place.field)
    try:
        return wrong if kind.coerce_input_value(value) is Undefined else None
    except KeywrightError as own:
        return type(own)(place.says(own.detail), field=place.field)
    except Exception:  # noqa: BLE001 - whatever it says, it says it with the value
        return wrong


def _shown(name: str) -> str:
    """The name of a variable, unless it is as long as a token."""
    return name if len(name) <= LONGEST_NAME else "…"
