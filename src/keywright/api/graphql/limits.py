"""Limits: how large, deep and broad a query may be. They are written down in `docs/graphql.md`.

The shape is checked before validation, because some rules of GraphQL take quadratic time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
)

from keywright.api.graphql.errors import Rejected, fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, InlineFragmentNode, SelectionNode, SelectionSetNode

MAX_QUERY_BYTES: Final = 32 * 1024
MAX_TOKENS: Final = 4_000
MAX_DEPTH: Final = 12
MAX_ROOT_FIELDS: Final = 50
MAX_WIDTH: Final = 100
"""Fields and fragments side by side in one pair of braces."""
MAX_REPEATS: Final = 10
"""How often one name with fields of its own may stand in one pair of braces."""
MAX_FRAGMENTS: Final = 50

def too_large(message: str) -> Rejected:
    """The refusal of a query with too much in it."""
    return Rejected(fault("query_too_large", message))


def is_introspection(name: str) -> bool:
    """Whether a field is one of those that GraphQL itself defines: about the schema, which is public."""
    return name.startswith("__")


@dataclass(frozen=True, slots=True)
class Roots:
    """The root fields of an operation: how many, and whether any of them touches data."""

    count: int
    data: bool


class Shape:
    """The shape of a document; raises `Rejected` where it is beyond the limits."""

    def __init__(self, document: DocumentNode) -> None:
        fragments = [one for one in document.definitions if isinstance(one, FragmentDefinitionNode)]
        if len(fragments) > MAX_FRAGMENTS:
            raise too_large(f"A query has at most {MAX_FRAGMENTS} fragments.")
        self._fragments = {one.name.value: one for one in fragments}
        self._roots: dict[str, Roots] = {}
        for fragment in fragments:
            _check_width(fragment.selection_set)
        for operation in operations(document):
            _check_width(operation.selection_set)
            if self.roots(operation.selection_set).count > MAX_ROOT_FIELDS:
                raise too_large(f"An operation has at most {MAX_ROOT_FIELDS} fields at its root.")
            self._check_depth(operation.selection_set)

    def roots(self, selected: SelectionSetNode) -> Roots:
        """The root fields, with those in fragments; each spread of a fragment counts anew."""
        count, data = 0, False
        for selection in selected.selections:
            if isinstance(selection, FieldNode):
                found = Roots(1, not is_introspection(selection.name.value))
            elif isinstance(selection, FragmentSpreadNode):
                found = self._fragment_roots(selection.name.value)
            else:
                found = self.roots(inner_of(selection))
            count, data = count + found.count, data or found.data
        return Roots(count, data)

    def _fragment_roots(self, name: str) -> Roots:
        if name not in self._roots:
            self._roots[name] = Roots(0, data=False)  # ends a circle, which validation refuses later
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._roots[name] = self.roots(fragment.selection_set)
        return self._roots[name]

    def _check_depth(self, selected: SelectionSetNode) -> None:
        """Refuse more than `MAX_DEPTH` fields in each other; fragments do not count, the schema's fields neither."""
        walked: set[tuple[str, int]] = set()
        left = [(selected, 1)]
        while left:
            current, depth = left.pop()
            if depth > MAX_DEPTH:
                raise Rejected(
                    fault("query_too_deep", f"A query has at most {MAX_DEPTH} levels of fields in each other.")
                )
            for selection in current.selections:
                if isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if name in self._fragments and (name, depth) not in walked:
                        walked.add((name, depth))
                        left.append((self._fragments[name].selection_set, depth))
                elif not isinstance(selection, FieldNode):
                    left.append((inner_of(selection), depth))
                elif selection.selection_set and not is_introspection(selection.name.value):
                    left.append((selection.selection_set, depth + 1))


def operations(document: DocumentNode) -> Iterator[OperationDefinitionNode]:
    """The operations of a document."""
    return (one for one in document.definitions if isinstance(one, OperationDefinitionNode))


def inner_of(selection: SelectionNode) -> SelectionSetNode:
    inline: InlineFragmentNode = selection  # type: ignore[assignment] - what is no field and no spread
    return inline.selection_set


def _check_width(selected: SelectionSetNode) -> None:
    left = [selected]
    while left:
        selections = left.pop().selections
        if len(selections) > MAX_WIDTH:
            raise too_large(f"At most {MAX_WIDTH} fields stand side by side.")
        repeats: dict[str, int] = {}
        for selection in selections:
            inner = None if isinstance(selection, FragmentSpreadNode) else selection.selection_set  # type: ignore[attr-defined]
            if inner is None:
                continue
            left.append(inner)
            name = _answered_as(selection)
            repeats[name] = repeats.get(name, 0) + 1
            if repeats[name] > MAX_REPEATS:
                raise too_large(f"A name with fields of its own stands at most {MAX_REPEATS} times side by side.")


def _answered_as(selection: SelectionNode) -> str:
    """The name under which a field is answered; inline fragments have none, and count together."""
    if not isinstance(selection, FieldNode):
        return ""
    return (selection.alias or selection.name).value
