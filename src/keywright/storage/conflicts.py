"""Which unique constraint a write ran into, told alike on both engines."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from keywright.storage.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def _unique_names() -> Mapping[str, str]:
    """The name of each unique constraint and index by what SQLite says in its place: the columns."""
    return {
        ", ".join(f"{table.name}.{column.name}" for column in one.columns): str(one.name)
        for table in metadata.tables.values()
        for one in (*table.constraints, *table.indexes)
        if isinstance(one, PrimaryKeyConstraint | UniqueConstraint) or (isinstance(one, Index) and one.unique)
    }


_SQLITE_SAYS = "UNIQUE constraint failed: "
_NAMES = _unique_names()


@contextmanager
def conflicts(known: Mapping[str, Exception]) -> Iterator[None]:
    """Turn the breach of a unique constraint or index, by its name, into the error that stands for it.

    The transaction cannot be used any further then: PostgreSQL has given it up.
    """
    try:
        yield
    except IntegrityError as breach:
        error = known.get(_broken(breach))
        if error is None:
            raise
        raise error from None


def _broken(breach: IntegrityError) -> str:
    """The name of what was broken, or the empty text when it was something else than uniqueness."""
    name: str | None = getattr(breach.orig.__cause__, "constraint_name", None) if breach.orig else None
    return name or _NAMES.get(str(breach.orig).removeprefix(_SQLITE_SAYS), "")
