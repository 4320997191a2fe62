"""The field that says who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import runs
from keywright.services.whoami import whoami

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField

QUERIES: Final[Mapping[str, RootField]] = {"viewer": runs(whoami, mapping.no_input, mapping.viewer)}
