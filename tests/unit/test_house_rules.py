"""Each house rule finds what it forbids, and leaves alone what looks like it."""

from pathlib import Path

import pytest

from tools import house_rules

SQL_FOUND = [
    'text(f"select * from {table}")',
    'text("select * from %s" % table)',
    'text("select * from " + table)',
    'text("select " + "* from " + table)',
    'text("select * from {}".format(table))',
    'text(" ".join(parts))',
    'sqlalchemy.text(text=f"select {column}")',
    'connection.execute(f"select {column}")',
    'await connection.fetchrow(f"select {column}", value)',
    'connection.execute(statement=f"select {column}")',
    'sql = f"select {column}"\ntext(sql)',
    'sql: str = f"select {column}"\ntext(sql)',
    'sql = "select a"\nsql += " from b"\nconnection.execute(sql)',
    'connection.execute((sql := "select " + column))\nconnection.execute(sql)',
    'def read(connection):\n    sql = f"select {column}"\n    return connection.execute(sql)',
    'SQL = f"select {column}"\ndef read(connection):\n    return connection.execute(SQL)',
]
SQL_ALLOWED = [
    'text("select 1")',
    'text("select 1 " "from b")',
    'text("select 1 " + "from " + "b")',
    'text(f"select 1")',
    "connection.execute(select(key).join(tenant))",
    'connection.execute(sql, f"{prefix}%")',
    'connection.execute(sql, parameters=f"{prefix}%")',
    'name = f"key {number}"\nconnection.execute(insert(key).values(name=name))',
    'def one():\n    sql = f"{a}"\n    return sql\ndef two(connection, sql):\n    connection.execute(sql)',
    'raise StorageError(f"no {table}")',
]
COMPARE_FOUND = [
    "a == token",
    "key.token_hash != given",
    'row["digest"] == given',
    "sha256(a).hexdigest() == b",
    "a == b == self.secret",
    "password == 'a'",
]
COMPARE_ALLOWED = [
    "hmac.compare_digest(a, digest)",
    "token is None",
    "key.c.digest == digest",
    'select(key).where(key.c["digest"] == digest)',
    "token in known",
    "len(token) == 40",
    "token.prefix == prefix",
    "checksum == other",
]
LOG_FOUND = [
    'log.info("made", token=shown)',
    'log.info("made", key=token)',
    'log.info("made %s", request.token)',
    'logging.error(f"bad {password}")',
    'logging.error("bad " + password)',
    'logging.error("bad %s" % password)',
    'self._log.warning("bad", extra={"authorization": value})',
    'log.warning("bad", given={"value": secret})',
    'log.warning("bad", given=[secret])',
    "print(*(secret,))",
    'log.debug("headers", value=headers["authorization"])',
    "log = structlog.get_logger().bind(secret=value)",
    "structlog.contextvars.bind_contextvars(token=token)",
    "bind_contextvars(token=token)",
    "print(token)",
]
LOG_ALLOWED = [
    'log.info("made", key_id=key.id)',
    'log.info("token made")',
    'log.info("made", hint=token.hint)',
    'log.info("made", length=len(token))',
    "click.echo(token)",
    "mint(token=token)",
    "print(hint)",
]


def rules(source: str, path: str = "src/keywright/storage/keys.py") -> set[str]:
    return {finding.split(": ")[1] for finding in house_rules.check(path, source)}


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        *(("sql", source) for source in SQL_FOUND),
        *(("compare", source) for source in COMPARE_FOUND),
        *(("log", source) for source in LOG_FOUND),
    ],
)
def test_a_rule_finds_what_it_forbids(rule: str, source: str) -> None:
    assert rules(source) == {rule}


@pytest.mark.parametrize("source", [*SQL_ALLOWED, *COMPARE_ALLOWED, *LOG_ALLOWED])
def test_what_looks_alike_is_allowed(source: str) -> None:
    assert rules(source) == set()


def test_sql_is_looked_for_in_storage_alone() -> None:
    assert rules('text(f"{word}")', "src/keywright/cli/tables.py") == set()
    assert rules('text(f"{word}")', "src/keywright/storage/migrations/env.py") == {"sql"}


@pytest.mark.parametrize(("body_lines", "found"), [(49, set()), (50, {"size"})])
def test_a_function_has_up_to_50_lines(body_lines: int, found: set[str]) -> None:
    source = "class Keys:\n    async def read(self):\n" + "        self.go()\n" * body_lines
    assert rules(source) == found


@pytest.mark.parametrize(("lines", "found"), [(400, set()), (401, {"size"})])
def test_a_file_has_up_to_400_lines(lines: int, found: set[str]) -> None:
    assert rules("go()\n" * lines) == found
    assert rules("go()\n" * lines, "src/keywright/storage/migrations/versions/0001.py") == set()


def test_findings_name_path_line_and_rule_and_set_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "src" / "keywright"
    package.mkdir(parents=True)
    (package / "good.py").write_text("a == b\n", "utf-8")
    assert house_rules.main(tmp_path) == 0
    assert capsys.readouterr().out == "1 files, 0 findings\n"

    (package / "bad.py").write_text("\nprint(token)\na == token\n", "utf-8")
    assert house_rules.main(tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        "src/keywright/bad.py:2: log: token is an argument of print().",
        "src/keywright/bad.py:3: compare: token is compared by == or !=; use hmac.compare_digest.",
        "2 files, 2 findings",
    ]
