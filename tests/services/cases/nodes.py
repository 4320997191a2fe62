"""The use cases of nodes."""

from __future__ import annotations

from tests.support.cases import Case, nothing

CASES = {"nodes.list": Case(nothing, nothing)}
