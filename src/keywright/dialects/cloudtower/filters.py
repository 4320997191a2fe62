"""Filters: from what was asked to a test of rows, within a bound on the work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keywright.core.errors import InvalidValue, UnknownField
from keywright.dialects.cloudtower.kinds import GROUPS, INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keywright.dialects.cloudtower.kinds import Input, Together
    from keywright.dialects.cloudtower.mapping import Row

    Test: TypeAlias = Callable[[Row], bool]

MAX_DEPTH: Final = 10
"""How deep filters may stand in each other."""
MAX_WORK: Final = 400_000
"""How many conditions one list may try on things."""
MAX_SECRETS: Final = 20
"""How many keys one list may name by their secret."""


@dataclass(slots=True)
class Filter:
    """A filter of one list.

    `touched` are the fields that it looks at, by their kind, so that those can be filled in first; `secrets` the
    secrets that it names, for which the id of the row that has it is to be put into `owners`.
    """

    touched: set[tuple[str, str]] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set, repr=False)
    owners: dict[str, str] = field(default_factory=dict, repr=False)
    _left: int = MAX_WORK
    _test: Test | None = None

    @classmethod
    def of(cls, kind: str, where: object) -> Filter:
        """The filter that was asked for; None is none. Raises `InvalidValue` and `UnknownField`."""
        made = cls()
        if where is not None:
            made._test = made._group(kind, where, 1)
        if len(made.secrets) > MAX_SECRETS:
            raise InvalidValue(f"At most {MAX_SECRETS} keys can be named by their secret.", field="where")
        return made

    @property
    def empty(self) -> bool:
        """Whether everything passes."""
        return self._test is None

    def passes(self, row: Row) -> bool:
        """Whether a row is what was asked for. Raises `InvalidValue` when it takes too much to know."""
        return self._test is None or self._test(row)

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise InvalidValue("This filter asks for too much at once. Ask for less.", field="where")

    def _group(self, kind: str, where: object, depth: int) -> Test:
        """All conditions of an object."""
        if not isinstance(where, dict):
            raise InvalidValue("A filter is an object.", field="where")
        if depth > MAX_DEPTH:
            raise InvalidValue(f"Filters stand at most {MAX_DEPTH} deep in each other.", field="where")
        tests = [self._test_of(kind, name, given, depth) for name, given in where.items()]

        def every(row: Row) -> bool:
            self._spend(len(tests))
            return all(test(row) for test in tests)

        return every

    def _test_of(self, kind: str, name: str, given: Any, depth: int) -> Test:  # noqa: ANN401 - as it was sent
        together = GROUPS.get(name)
        if together is not None:
            return self._together(kind, together, given, depth)
        asked = INPUTS[kind].get(name)
        if asked is None:
            raise UnknownField(f"A filter of {kind} has no such field.", field="where")
        self.touched.add((kind, asked.of))
        if asked.kind is not None:
            return self._related(asked, asked.kind, given, depth)
        if asked.listed and given is None:
            return _anything
        if not asked.takes(given):
            raise InvalidValue(f"{name} is of the type {asked.type}.", field="where")
        return self._compared(asked, given)

    def _together(self, kind: str, together: Together, given: object, depth: int) -> Test:
        """Several filters, of which all, one or none are to pass."""
        if given is None:
            return _anything
        listed = given if isinstance(given, list) else [given]
        tests = [self._group(kind, one, depth + 1) for one in listed]
        return lambda row: together(test(row) for test in tests)

    def _related(self, asked: Input, kind: str, given: object, depth: int) -> Test:
        """A filter of what is related."""
        of, together = asked.of, asked.together
        if given is None:
            return _anything if together is not None else lambda row: row[of] is None
        test = self._group(kind, given, depth + 1)
        if together is None:
            return lambda row: row[of] is not None and test(row[of])
        return lambda row: together(test(one) for one in row[of] or ())

    def _compared(self, asked: Input, given: Any) -> Test:  # noqa: ANN401 - as it was sent
        compare, of = asked.compare, asked.of
        assert compare is not None  # noqa: S101 - what is no relation is compared
        if asked.secret:
            named = given if asked.listed else [given]
            self.secrets.update(one for one in named if one is not None)
            owners = self.owners
            if asked.listed:
                return lambda row: compare(row["id"], [owners.get(one) for one in given])
            return lambda row: compare(row["id"], owners.get(given))
        operand = frozenset(given) if asked.listed else given
        return lambda row: compare(row[of], operand)


def _anything(_row: Mapping[str, Any]) -> bool:
    return True
