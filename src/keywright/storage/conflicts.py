"""Which unique constraint a write ran into, told alike on both engines."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keywright.core.errors import KeywrightError


@contextmanager
def conflicts(known: Mapping[str, KeywrightError]) -> Iterator[None]:
    """Turn the breach of a unique constraint into the error that stands for it.

    `known` maps a constraint, written as `table.column` of its last column, to the error. PostgreSQL
    names the constraint or index, SQLite its columns; the names of ours end in the columns' names.
    """
    try:
        yield
    except IntegrityError as breach:
        message = str(breach.orig)
        for place, error in known.items():
            table, column = place.split(".")
            if place in message or (f'"uq_{table}_' in message and f'{column}"' in message):
                raise error from None
        raise
