"""Sending rows of an import, and what becomes of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.client import BadInput, Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.cli.keys.rows import Row
    from keywright.client import Client

_TRIES: Final = 5
_OF_ITEM: Final = re.compile(r"items\.([0-9]+)(?:\.(.+))?")
_OF_ALL: Final = frozenset({"malformed_request", "body_too_large"})
"""What a single row can do to a whole request, and the refusal does not say which."""
UNREADABLE: Final = "unreadable_row"
"""The code of a row that says nothing that could be sent."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused row."""

    line: int
    code: str
    field: str | None
    detail: str

    @property
    def place(self) -> str:
        """The field, where there is one, as the beginning of a sentence."""
        return "" if self.field is None else f"{self.field}: "

    def as_json(self) -> dict[str, Any]:
        """The refusal for programs."""
        return {"line": self.line, "code": self.code, "field": self.field, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch."""

    created: int
    present: int
    refused: tuple[Refused, ...]


def send(client: Client, batch: Sequence[Row], *, dry_run: bool) -> Sent:
    """Import a batch; what is wrong with one row is that row's refusal. Raises a `ClientError` for all else."""
    refused = [Refused(row.line, UNREADABLE, *row.fault) for row in batch if row.fault is not None]
    sent = _sent(client, [row for row in batch if row.fault is None], dry_run=dry_run)
    return _together(sent, Sent(0, 0, tuple(refused)))


def _sent(client: Client, left: list[Row], *, dry_run: bool) -> Sent:
    refused: list[Refused] = []
    tries = 0
    while left:
        try:
            answer = client.keys.import_keys([row.item for row in left], dry_run=dry_run)
        except Conflict:
            # Another call has taken a hash or a handle at this moment; asked again, the server sees it.
            tries += 1
            if tries >= _TRIES:
                raise
        except BadInput as error:
            # A row of another shape than the API knows has the whole request refused.
            found = _OF_ITEM.fullmatch(error.field or "")
            if found is not None and int(found[1]) < len(left):
                refused.append(Refused(left.pop(int(found[1])).line, error.code, found[2], error.detail))
            elif error.code not in _OF_ALL:
                raise
            elif len(left) == 1:
                refused.append(Refused(left.pop().line, error.code, error.field, error.detail))
            else:
                half = len(left) // 2
                parts = [_sent(client, part, dry_run=dry_run) for part in (left[:half], left[half:])]
                return _together(*parts, Sent(0, 0, tuple(refused)))
        else:
            refused += [
                Refused(row.line, one["refusal"]["code"], one["refusal"]["field"], one["refusal"]["detail"])
                for row, one in zip(left, answer["items"], strict=True)
                if one["refusal"] is not None
            ]
            return Sent(answer["created"], answer["present"], tuple(refused))
    return Sent(0, 0, tuple(refused))


def _together(*parts: Sent) -> Sent:
    refused = sorted((one for part in parts for one in part.refused), key=lambda one: one.line)
    return Sent(sum(part.created for part in parts), sum(part.present for part in parts), tuple(refused))
