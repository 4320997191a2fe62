"""What is said of a query that does not fit the schema.

The messages of graphql-core repeat what was sent, and a token may stand anywhere in a query. So each one is
recognised and said again in words of our own, in which nothing stands but names of the schema. One that is
not recognised, as after an upgrade, becomes a plain sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keywright.api.graphql.errors import Fault, fault

if TYPE_CHECKING:
    from graphql import GraphQLError, GraphQLSchema

INVALID: Final = "graphql_validation_failed"
_PLAIN: Final = "The query does not fit the schema here."
# Each group is checked against the names of the schema; the pattern ends where what was sent begins.
_KNOWN: Final = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"Cannot query field '\w+' on type '(\w+)'", "The type {} has no such field."),
        (r"Field '\w+' of type '(\S+)' must have", "A field of type {} needs a selection: {{ … }}."),
        (r"Field '\w+' must not have a selection since type '(\S+)'", "A field of type {} takes no selection."),
        (r"Unknown argument '\w+' on field '(\w+\.\w+)'", "The field {} has no such argument."),
        (r"Unknown argument '\w+' on directive '@(\w+)'", "The directive {} has no such argument."),
        (r"Argument '(\w+\.\w+\(\w+:\))' of type '(\S+)' is required", "The argument {} of type {} is missing."),
        (r"Expected value of type '(\w+)' not to include unknown field", "The type {} has no such field."),
        (r"Expected value of type '(\w+)' to include required field '(\w+)'", "A value of type {} needs the field {}."),
        (r"Expected value of (?:non-null )?type '(\S+)'", "A value of type {} is expected here."),
        (r"(Int|Float|String|Boolean|ID) cannot represent", "A value of type {} is expected here."),
        (r"Enum '(\w+)' cannot represent", "A value of the enum {} is expected here, without quotes."),
        (r"Value '\w+' does not exist in '(\w+)' enum", "The enum {} has no such value."),
        (r"Variable '\$\w+' of type '\S+' used in .* type '(\S+)'", "A variable of type {} is expected here."),
        (r"Variable '\$\w+' is not defined", "A variable is used here that the operation does not define."),
        (r"Variable '\$\w+' is never used", "A variable is defined here and never used."),
        (r"Unknown type '", "The schema has no such type."),
        (r"Unknown fragment '", "There is no such fragment."),
        (r"Fragment '\w+' is never used", "A fragment is defined here and never used."),
        (r"Cannot spread fragment '", "A fragment contains itself."),
        (r"Fields '", "Two different fields have the same name in the answer. Give one of them an alias."),
        (r"Unknown directive '", "There is no such directive."),
        (r"There can be only one ", "This is named or given twice."),
        (r"This anonymous operation must be the only", "An operation without a name must be the only one."),
        (r"The subscription operation is not supported", "There are no subscriptions."),
        (r"Maximum introspection depth exceeded", "The schema is asked about too deeply."),
    )
)  # fmt: skip
_SUGGESTED: Final = re.compile(r"Did you mean ([^?]{1,300})\?$")
_QUOTED: Final = re.compile(r"'(\w+)'")


class Messages:
    """Says validation errors again in words that hold nothing of the query."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._names = _names_in(schema)

    def fault(self, error: GraphQLError) -> Fault:
        """The entry of `errors` for an error of validation; its places are kept, being numbers."""
        return fault(
            INVALID, self._sentence(error.message) + self._hint(error.message), locations=error.locations
        )

    def _sentence(self, message: str) -> str:
        for pattern, sentence in _KNOWN:
            found = pattern.match(message)
            if found is not None and all(self._is_known(group) for group in found.groups()):
                return sentence.format(*found.groups())
        return _PLAIN

    def _hint(self, message: str) -> str:
        found = _SUGGESTED.search(message)
        words = _QUOTED.findall(found[1]) if found else []
        if not words or not all(self._is_known(word) for word in words):
            return ""
        return f" Did you mean {' or '.join(words)}?"

    def _is_known(self, text: str) -> bool:
        return all(word in self._names for word in re.findall(r"\w+", text))


def _names_in(schema: GraphQLSchema) -> frozenset[str]:
    """Every name that the schema gives to something."""
    found = {*schema.type_map, *(directive.name for directive in schema.directives)}
    for kind in schema.type_map.values():
        for name, member in getattr(kind, "fields", {}).items():
            found |= {name, *getattr(member, "args", ())}
        found |= set(getattr(kind, "values", ()))
    for directive in schema.directives:
        found |= set(directive.args)
    return frozenset(found)
