"""The code in `docs/sdk.md` and `docs/middleware.md` runs, or stands in an example that does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import keywright.client
from keywright.client import ApiError, Client, ClientError
from keywright.client.guard import Guard, Rule
from keywright.client.protection import Protection
from tests.support.keywright import served
from tests.unit.client.test_async_client import described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.keywright import Keywright

ROOT = Path(__file__).parents[2]
SDK = (ROOT / "docs" / "sdk.md").read_text("utf-8")
MIDDLEWARE = (ROOT / "docs" / "middleware.md").read_text("utf-8")
EXAMPLES = {
    path.parent.name: path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*/app.py"))
}


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def server() -> Iterator[Keywright]:
    with served() as found:
        yield found


def test_the_code_of_the_sdk_runs(server: Keywright, capsys: pytest.CaptureFixture[str]) -> None:
    admin = server.key("default", "admin")["token"]
    names = {"url": server.url, "token": admin}
    for block in blocks(SDK):
        exec(compile(block, "sdk.md", "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith(" in default")
    assert any(line.endswith(" Nightly export") for line in printed)
    assert printed[-1].startswith("not_found ")
    with Client(server.url, admin) as client:
        assert not list(client.keys.list(name_prefix="Nightly"))


def test_the_calls_and_errors_of_the_sdk_are_all_named() -> None:
    client = Client("http://127.0.0.1:1")
    resources = {name for name, value in vars(client).items() if name[0] != "_" and described(type(value))}
    calls = {name for name in described(Client) if name[0] != "_"} | {"verify", "verify_batch"}
    calls_section = SDK.split("## Calls")[1].split("## Errors")[0]
    for name in resources | calls:
        assert f"`{name}`" in calls_section, name
    kinds = [getattr(keywright.client, name) for name in keywright.client.__all__]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, ClientError) and kind is not ClientError:
            assert f"| `{kind.__name__}` |" in SDK, kind
    assert issubclass(keywright.client.NotFound, ApiError)


def test_the_code_of_the_middleware_runs_or_stands_in_an_example() -> None:
    names: dict[str, object] = {"verifier": lambda: None}
    found = blocks(MIDDLEWARE)
    in_examples = [block for block in found if any(block in text for text in EXAMPLES.values())]
    for block in found:
        if block not in in_examples:
            exec(compile(block, "middleware.md", "exec"), names)
    assert isinstance(names["keys"], Protection)
    assert names["Rule"] is Rule
    for name, text in EXAMPLES.items():
        assert any(block in text for block in in_examples), name


def test_the_answers_in_the_document_are_those_of_the_guard() -> None:
    told = {int(status) for status in re.findall(r"^\| (\d{3}) \|", MIDDLEWARE, re.MULTILINE)}
    assert told == {400, 401, 403, 429, 503}
    assert f"`WWW-Authenticate: {Guard().challenge}`" in MIDDLEWARE
    for extra in ("asgi", "fastapi", "litestar", "flask", "django", "drf"):
        assert f"`pip install 'keywright[{extra}]'`" in MIDDLEWARE
    assert "`pip install keywright`" in MIDDLEWARE
