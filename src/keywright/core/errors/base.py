"""The root of the tree of errors."""

from __future__ import annotations

from typing import ClassVar


class KeywrightError(Exception):
    """The root of the tree; raised only through its subclasses.

    `field` names the part of the input that was wrong, in snake_case with dots and indexes
    (`scope.0.actions.1`), or is None when no single field is to blame.
    """

    code: ClassVar[str]

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field

    @property
    def extras(self) -> dict[str, object]:
        """What a program may want to know beside the code: plain JSON values by name, never what was sent."""
        return {}
