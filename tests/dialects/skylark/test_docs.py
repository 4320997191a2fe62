"""docs/dialects/skylark.md: its commands run as they stand, and its tables are what the code says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keywright.dialects.skylark import errors
from keywright.dialects.skylark.permissions import ACTIONS, ROLES
from keywright.dialects.skylark.schema import build_schema
from keywright.dialects.skylark.setup import ROLE_PREFIX
from tests.dialects.pages import Page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.keywright import Keywright

PAGE = Page("skylark")
rows = PAGE.rows


def words(text: str) -> list[str]:
    return [one.partition("(")[0] for one in re.findall(r"`([^`]+)`", text)]


def test_the_commands_run_as_they_stand(keywright: Keywright, tmp_path: Path) -> None:
    done = PAGE.run(keywright, tmp_path)
    assert '{"data":{"updateApiKey":{"name":"my_app","active":false}}}' in done.stdout
    assert not re.search(r"kw_[0-9A-Za-z]{37}", done.stdout + done.stderr)


def test_the_table_of_operations_is_the_schema() -> None:
    schema = build_schema()
    roots = (schema.query_type, schema.mutation_type)
    operations = {name for root in roots if root is not None for name in root.fields}
    assert {word for first, *_ in rows("operation") for word in words(first)} == operations


def test_the_table_of_permissions_is_the_map() -> None:
    told = {words(name)[0]: tuple(sorted(words(actions))) for name, actions in rows("permission")}
    assert told == dict(ACTIONS)


def test_the_table_of_roles_is_the_catalog() -> None:
    told = {words(name)[0]: tuple(has.split(", ")) for name, has in rows("role")}
    assert told == {f"{ROLE_PREFIX}{name.lower()}": has for name, has in ROLES.items()}


def test_the_table_of_errors_has_every_type() -> None:
    used = {*errors.ERROR_TYPES.values(), errors.METHOD, errors.VALIDATION, errors.INTERNAL}
    assert {words(name)[0] for name, _ in rows("`errorType`")} == used
