"""docs/permissions.md says what the code does."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

from keywright import services
from keywright.core.permissions import Pattern
from keywright.core.roles import GLOBAL_ROLES, TENANT_ROLES
from keywright.services.decisions import VERIFY
from keywright.services.work import UseCase

PAGE = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()


def rows(title: str) -> list[list[str]]:
    text = PAGE.split(title)[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_permission_is_documented() -> None:
    modules = [
        importlib.import_module(f"keywright.services.{one.name}")
        for one in pkgutil.iter_modules(services.__path__)
    ]
    uses = [value for module in modules for value in vars(module).values() if isinstance(value, UseCase)]
    needed = {use.permission for use in uses if use.permission is not None} | {VERIFY, "tenants:read"}
    assert {row[0].strip("`") for row in rows("## Keywright's own actions")} == needed


def test_every_built_in_role_is_documented() -> None:
    assert {row[0].strip("`") for row in rows("## Roles")} == GLOBAL_ROLES.keys() | TENANT_ROLES.keys()


def test_patterns_match_as_documented() -> None:
    found = rows("## Words")
    assert len(found) >= 5
    for pattern, matches, misses in ((Pattern.parse(row[0].strip("`")), row[1], row[2]) for row in found):
        assert all(pattern.matches(name) for name in re.findall("`([^`]+)`", matches))
        assert not any(pattern.matches(name) for name in re.findall("`([^`]+)`", misses))
