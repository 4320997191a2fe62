"""docs/dialects/prefect.md: its commands run as they stand, and its tables are what the code says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from keywright.dialects.prefect import errors
from keywright.dialects.prefect.mapping import ROLES
from keywright.dialects.prefect.schema import build_schema
from tests.dialects.clients import python_client
from tests.dialects.pages import Page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.keywright import Keywright

PAGE = Page("prefect")
rows = PAGE.rows


def words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.xdist_group("prefect-client")
def test_the_commands_run_as_they_stand(keywright: Keywright, tmp_path: Path) -> None:
    client = python_client("prefect/client", "3.9")
    done = PAGE.run(keywright, tmp_path, client.parent, LC_ALL="C.UTF-8", PYTHONUNBUFFERED="1")
    for content in PAGE.blocks("text"):
        assert content in done.stdout
    assert re.search(r"^acme +acme +[0-9a-f-]{36} +\*$", done.stdout, re.MULTILINE)
    assert '"api_key":{"id":"' in done.stdout
    assert '"user":{"first_name":"an-agent"}' in done.stdout
    # The one token that is told is the one that was made to be told.
    (told,) = set(re.findall(r"kw_[0-9A-Za-z]{37}", done.stdout + done.stderr))
    assert keywright.verdict(told) == "VALID"


def test_the_table_of_operations_is_the_schema() -> None:
    schema = build_schema()
    roots = (schema.query_type, schema.mutation_type)
    operations = [name for root in roots if root is not None for name in root.fields]
    assert sorted(word for first, _ in rows("operation") for word in words(first)) == sorted(operations)


def test_the_table_of_roles_is_the_map() -> None:
    assert {words(ours)[0]: words(theirs)[0] for theirs, ours, _ in rows("role")} == dict(ROLES)


def test_the_table_of_errors_has_every_code() -> None:
    told = {words(code)[0]: status for code, status, _ in rows("code")}
    for said in errors.SAID.values():
        assert any(
            str(said.status) in status for code, status, _ in rows("code") if words(code) == [said.code]
        )
    assert set(told) == {said.code for said in errors.SAID.values()} | {
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
    }
