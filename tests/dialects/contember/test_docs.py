"""docs/dialects/contember.md: its commands run as they stand, and its tables are what the code says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keywright.dialects.contember import errors, mapping
from keywright.dialects.contember.schema import build_schema
from tests.dialects.pages import Page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.keywright import Keywright

PAGE = Page("contember")
rows = PAGE.rows


def words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_commands_run_as_they_stand(keywright: Keywright, tmp_path: Path) -> None:
    done = PAGE.run(keywright, tmp_path)
    assert "Authorization failure: API key was disabled at 20" in done.stdout
    assert not re.search(r"kw_[0-9A-Za-z]{37}", done.stdout + done.stderr)


def test_the_table_of_fields_is_the_schema() -> None:
    schema = build_schema()
    roots = (schema.query_type, schema.mutation_type)
    fields = [name for root in roots if root is not None for name in root.fields]
    told = [word for first, _ in rows("field") for word in words(first)]
    assert sorted(told) == sorted(fields)


def test_the_table_of_roles_is_the_map() -> None:
    told = {word: words(ours) for first, ours in rows("Contember's global role") for word in words(first)}
    assert all(mapping.is_global_role(word) for word in told)
    stored = {word: ours[0] for word, ours in told.items() if ours}
    assert {word: mapping.global_role(word) for word in stored} == stored
    assert all(mapping.global_role(word) is None for word in told.keys() - stored.keys())
    assert set(mapping.role_words(stored.values())) == stored.keys()


def test_the_sentences_of_refused_credentials_are_told() -> None:
    told = {word for row in rows("question") for word in words(row[1])}
    for sentence in errors.REASONS.values():
        assert sentence in told
