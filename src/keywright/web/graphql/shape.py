"""How large, deep and broad a query may be, on any door. The limits are written down in `docs/graphql.md`.

The shape is checked before validation, because some rules of GraphQL take quadratic time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql import DocumentNode, InlineFragmentNode, SelectionNode, SelectionSetNode

MAX_QUERY_BYTES: Final = 32 * 1024
MAX_TOKENS: Final = 2_000
MAX_COMMENTS: Final = 200
MAX_DEPTH: Final = 12
MAX_ROOT_FIELDS: Final = 50
MAX_FRAGMENTS: Final = 50
MAX_REPEATS: Final = 50
"""How often a query may name the same value of the answer."""
MAX_SELECTED: Final = 10_000
"""Fields and fragments in all, those in a fragment counted wherever it is spread."""
_UNBOUNDED: Final = -(10**6)


class BeyondLimits(Exception):
    """A query that is beyond the limits: a stable code, and a sentence for whoever sent it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def too_large(message: str) -> BeyondLimits:
    """The refusal of a query with too much in it."""
    return BeyondLimits("query_too_large", message)


def too_deep(message: str) -> BeyondLimits:
    """The refusal of a query that is nested too deeply."""
    return BeyondLimits("query_too_deep", message)


class Shape:
    """The shape of a document; raises `BeyondLimits` where it is beyond the limits.

    Fields are merged as they will be in the answer. That is how validation looks at them too, comparing each
    with each, so the bounds here are what keeps it quick.
    """

    def __init__(self, document: DocumentNode) -> None:
        fragments = [one for one in document.definitions if isinstance(one, FragmentDefinitionNode)]
        if len(fragments) > MAX_FRAGMENTS:
            raise too_large(f"A query has at most {MAX_FRAGMENTS} fragments.")
        self._fragments = {one.name.value: one.selection_set for one in fragments}
        self._selected = 0
        for operation in operations(document):
            if len(self._merged([operation.selection_set])) > MAX_ROOT_FIELDS:
                raise too_large(f"An operation has at most {MAX_ROOT_FIELDS} fields at its root.")
            self._walk(operation.selection_set, 1)
        for fragment in fragments:
            # Its depth counts where it is spread; here it is walked because validation does so too.
            self._walk(fragment.selection_set, _UNBOUNDED)

    def touches_data(self, operation: OperationDefinitionNode, free: frozenset[str] = frozenset()) -> bool:
        """Whether an operation asks for anything but the schema, which is public, and the root fields of `free`."""
        asked = (same[0] for same in self._merged([operation.selection_set]).values())
        return not all(_is_public(field) or field.name.value in free for field in asked)

    def _walk(self, selected: SelectionSetNode, depth: int) -> None:
        left = [([selected], depth)]
        while left:
            together, depth = left.pop()
            if depth > MAX_DEPTH:
                message = f"A query has at most {MAX_DEPTH} levels of fields in each other."
                raise too_deep(message)
            for same in self._merged(together).values():
                if len(same) > MAX_REPEATS:
                    raise too_large(f"A query names the same value at most {MAX_REPEATS} times.")
                inner = [field.selection_set for field in same if field.selection_set is not None]
                if inner:
                    left.append((inner, _UNBOUNDED if _is_public(same[0]) else depth + 1))

    def _merged(self, together: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of some selections, by the name under which they are answered."""
        found: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        left = list(together)
        while left:
            selections = left.pop().selections
            self._selected += len(selections)
            if self._selected > MAX_SELECTED:
                raise too_large(f"A query selects at most {MAX_SELECTED} fields in all.")
            for selection in selections:
                if isinstance(selection, FieldNode):
                    found.setdefault((selection.alias or selection.name).value, []).append(selection)
                elif not isinstance(selection, FragmentSpreadNode):
                    left.append(inner_of(selection))
                elif selection.name.value in self._fragments and selection.name.value not in spread:
                    spread.add(selection.name.value)
                    left.append(self._fragments[selection.name.value])
        return found


def _is_public(field: FieldNode) -> bool:
    """Whether a field is one of those that GraphQL itself defines: about the schema, which is public."""
    return field.name.value.startswith("__")


def operations(document: DocumentNode) -> Iterator[OperationDefinitionNode]:
    """The operations of a document."""
    return (one for one in document.definitions if isinstance(one, OperationDefinitionNode))


def inner_of(selection: SelectionNode) -> SelectionSetNode:
    """Give the selection of an inline fragment: of what is neither a field nor a spread."""
    return cast("InlineFragmentNode", selection).selection_set


def parsed(text: str, *, places: bool = False) -> DocumentNode:
    """The tree of a query, on demand with the places in its text, which take most of the memory.

    Raises `BeyondLimits`, and graphql's `GraphQLSyntaxError`, whose message may hold what was sent.
    """
    if len(text) > MAX_QUERY_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_QUERY_BYTES:
        raise too_large(f"A query has at most {MAX_QUERY_BYTES} bytes.")
    try:
        return parse(text, no_location=not places, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)
    except GraphQLSyntaxError as wrong:
        if wrong.description.startswith("Document contains more than"):
            raise too_large(f"A query has at most {MAX_TOKENS} tokens and {MAX_COMMENTS} comments.") from None
        if "nested too deeply" in wrong.description:
            raise too_deep("The query is nested too deeply.") from None
        raise
