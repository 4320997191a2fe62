"""Column types that mean the same on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, String
from sqlalchemy.types import TypeDecorator

from keywright.core.instants import from_us, to_us

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Dialect


class Instant(TypeDecorator["datetime"]):
    """An aware UTC datetime, stored as whole microseconds since the epoch.

    An integer compares, sorts and indexes alike on both engines and has no zone to lose.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the stored integer."""
        return None if value is None else to_us(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From the stored integer."""
        return None if value is None else from_us(value)


class OpenInstant(TypeDecorator["datetime"]):
    """An instant or None, stored without NULL so that an index orders it alike on both engines.

    `absent` is the integer that stands for None: a far future for "never ends", zero for "never happened".
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, absent: int) -> None:
        super().__init__()
        self.absent = absent

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int:
        """To the stored integer."""
        return self.absent if value is None else to_us(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From the stored integer."""
        return None if value is None or value == self.absent else from_us(value)


NEVER_ENDS = 2**62
NEVER_HAPPENED = 0


def exact(length: int) -> String:
    """Text that is compared byte by byte on both engines, whatever the database's own collation is."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")
