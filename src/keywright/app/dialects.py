"""The dialects there are, and which of them a server answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.app.opening import StartError
from keywright.dialects import cloudtower, contember, cycloid, prefect, skylark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keywright.web.mounts import Dialect

DIALECTS: Final[tuple[Dialect, ...]] = (
    cloudtower.DIALECT,
    contember.DIALECT,
    cycloid.DIALECT,
    prefect.DIALECT,
    skylark.DIALECT,
)
"""Each has a folder in `dialects`; without that folder and its line here, nothing else changes."""

ALL, NONE = "all", "none"


def chosen(wanted: Sequence[str]) -> Iterator[tuple[Dialect, str | None]]:
    """The dialects that the setting names, each with the tenant it is given; raises `StartError` for an unknown one."""
    if tuple(wanted) in {(ALL,), (NONE,)}:
        yield from ((one, None) for one in DIALECTS if ALL in wanted)
        return
    known = {one.name: one for one in DIALECTS}
    for text in wanted:
        name, _, tenant = text.partition("=")
        if name not in known:
            raise StartError(
                f"DIALECTS names {name}, and there are {', '.join(known) or 'none'}. Correct the setting."
            )
        yield known[name], tenant or None
