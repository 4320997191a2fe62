"""docs/permissions.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from keywright.core.own_actions import OWN_ACTIONS
from keywright.core.permissions import Pattern
from keywright.core.roles import GLOBAL_ROLES, TENANT_ROLES
from keywright.services.decisions import VERIFY
from keywright.services.relay.serving import RUN
from tests.support.cases import use_cases

PAGE = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()


def rows(title: str) -> list[list[str]]:
    text = PAGE.split(title)[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_permission_is_documented() -> None:
    uses = use_cases().values()
    needed = {use.permission for use in uses} | {use.own for use in uses} | {VERIFY, RUN, "tenants:read"}
    needed.discard(None)
    assert {row[0].strip("`") for row in rows("## Keywright's own actions")} == needed
    assert needed <= OWN_ACTIONS


def test_every_built_in_role_is_documented() -> None:
    assert {row[0].strip("`") for row in rows("## Roles")} == GLOBAL_ROLES.keys() | TENANT_ROLES.keys()


def test_patterns_match_as_documented() -> None:
    found = rows("## Words")
    assert len(found) >= 5
    for pattern, matches, misses in ((Pattern.parse(row[0].strip("`")), row[1], row[2]) for row in found):
        assert all(pattern.matches(name) for name in re.findall("`([^`]+)`", matches))
        assert not any(pattern.matches(name) for name in re.findall("`([^`]+)`", misses))
