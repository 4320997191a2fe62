"""Logging: every line of the process takes the same way, and no secret comes out at its end."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import threading
import warnings
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
import uvicorn
from sqlalchemy import create_engine, text

from keywright.ops.logging import bind_request, clear_request, configure, get_logger

if TYPE_CHECKING:
    from keywright.ops.redaction import Redact

TOKEN = "sk_abc123"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def failing(message: str) -> None:
    raise ValueError(message)


# --- the line itself ------------------------------------------------------------------------------


def test_a_line_in_json(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)
    get_logger("keywright.test").info("key created", key_id="key_1", count=2)
    (line,) = lines(out)
    assert list(line) == ["timestamp", "level", "logger", "event", "key_id", "count"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
    assert abs(datetime.fromisoformat(line["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    del line["timestamp"]
    expected = {
        "level": "info",
        "logger": "keywright.test",
        "event": "key created",
        "key_id": "key_1",
        "count": 2,
    }
    assert line == expected


def test_one_of_several_processes_says_which_it_is(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out, pid=4711)
    get_logger("keywright.test").info("key created", pid=1)
    (line,) = lines(out)
    assert list(line) == ["timestamp", "level", "logger", "event", "pid"]
    assert line["pid"] == 4711


def test_a_line_on_a_console(out: io.StringIO, redact: Redact) -> None:
    configure("info", "console", redact, out)
    get_logger("keywright.test").warning("key created", key_id="key_1")
    assert re.fullmatch(r"\S+Z \[warning *\] key created +\[keywright\.test\] key_id=key_1\n", out.getvalue())


@pytest.mark.parametrize(
    ("fmt", "stream", "json_expected", "colour"),
    [
        ("auto", io.StringIO, True, False),
        ("auto", Terminal, False, True),
        ("json", Terminal, True, False),
        ("console", io.StringIO, False, False),
        ("console", Terminal, False, True),
    ],
)
def test_form_and_colour(
    fmt: str, stream: type[io.StringIO], json_expected: bool, colour: bool, redact: Redact
) -> None:
    out = stream()
    configure("info", fmt, redact, out)
    get_logger("t").info("event", a=1)
    assert out.getvalue().startswith("{") is json_expected
    assert ("\x1b[" in out.getvalue()) is colour


def test_standard_error_is_the_stream_unless_another_is_named(
    capsys: pytest.CaptureFixture[str], redact: Redact
) -> None:
    configure("info", "auto", redact)
    get_logger("t").info("event")
    captured = capsys.readouterr()
    assert json.loads(captured.err)["event"] == "event"
    assert captured.out == ""


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_levels(level: str, expected: list[str], out: io.StringIO, redact: Redact) -> None:
    ours = get_logger("t")
    configure("debug", "json", redact, io.StringIO())
    ours.info("a logger that was in use follows a later setup")
    configure(level, "json", redact, out)
    for logger in (ours, logging.getLogger("theirs"), structlog.get_logger("structlog's own")):
        for name in ("debug", "info", "warning", "error"):
            getattr(logger, name)("event")
    assert [line["level"] for line in lines(out)] == expected * 3


def test_facts_cannot_replace_what_all_lines_have(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)
    bind_request("req_1")
    get_logger("t").info("event", level="x", timestamp="x", logger="x", request_id="x", a=1)
    (line,) = lines(out)
    assert (line["level"], line["logger"], line["request_id"], line["a"]) == ("info", "t", "req_1", 1)
    assert line["timestamp"] != "x"


def test_a_line_without_an_event(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)
    get_logger("t").info(None, a=1)
    assert lines(out)[0]["event"] == ""


# --- everybody's lines ----------------------------------------------------------------------------


def test_lines_of_other_libraries_take_the_same_way(out: io.StringIO, redact: Redact) -> None:
    configure("debug", "json", redact, out)
    for name in ("uvicorn.error", "asyncio.sslproto", "asyncio", "anything.else"):
        logging.getLogger(name).info("told %s", TOKEN, extra={"color_message": "x"})
    found = lines(out)
    assert [line.pop("logger") for line in found] == [
        "uvicorn.error", "asyncio.sslproto", "asyncio", "anything.else"
    ]  # fmt: skip
    assert all(list(line) == ["timestamp", "level", "event"] for line in found)
    assert {line["event"] for line in found} == {"told sk_***"}


def test_warnings_take_the_same_way(out: io.StringIO, redact: Redact) -> None:
    configure("warning", "json", redact, out)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"mind {TOKEN}", UserWarning, stacklevel=1)
    (line,) = lines(out)
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")
    assert "UserWarning: mind sk_***" in line["event"]
    assert TOKEN not in out.getvalue()


def test_asyncio_errors_take_the_same_way(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)

    async def forgetful() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(failing, f"no {TOKEN}")
        await asyncio.sleep(0)

    asyncio.run(forgetful())
    (line,) = lines(out)
    assert line["logger"] == "asyncio"
    assert line["exception"].endswith("ValueError: no sk_***")
    assert TOKEN not in out.getvalue()


@pytest.mark.parametrize(("level", "expected"), [("debug", ["warning", "error"]), ("error", ["error"])])
def test_statements_are_never_logged(
    level: str, expected: list[str], out: io.StringIO, redact: Redact
) -> None:
    configure(level, "json", redact, out)
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("select :p"), {"p": "a password hash"})
    engine.dispose()
    for name in ("aiosqlite", "sqlalchemy.engine"):
        logging.getLogger(name).info("statement")
        logging.getLogger(name).warning("warning")
        logging.getLogger(name).error("error")
    assert [line["level"] for line in lines(out)] == expected * 2
    assert "password hash" not in out.getvalue()


def test_handlers_of_uvicorn_are_taken_off_and_its_access_lines_are_silent(
    out: io.StringIO, redact: Redact
) -> None:
    theirs = io.StringIO()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).addHandler(logging.StreamHandler(theirs))
        logging.getLogger(name).propagate = False
    configure("debug", "json", redact, out)
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.access").critical("GET /?key=%s", TOKEN)
    assert [line["event"] for line in lines(out)] == ["started"]
    assert theirs.getvalue() == ""
    assert not logging.getLogger("uvicorn.access").hasHandlers()


def test_the_latest_setup_is_the_only_one(out: io.StringIO, redact: Redact) -> None:
    first = io.StringIO()
    configure("info", "json", redact, first)
    configure("info", "json", redact, out)
    get_logger("t").info("event")
    assert (len(lines(out)), first.getvalue()) == (1, "")


async def broken_app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    bind_request("req_7")
    raise ValueError(f"no {TOKEN}")


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /?key={TOKEN} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.anyio
async def test_a_real_server(out: io.StringIO, redact: Redact) -> None:
    configure("debug", "json", redact, out)
    server = uvicorn.Server(uvicorn.Config(broken_app, port=0, lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    answer = await ask(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    await running
    found = lines(out)
    assert answer.startswith(b"HTTP/1.1 500")
    assert TOKEN not in out.getvalue()
    assert "uvicorn.access" not in {line["logger"] for line in found}
    (error,) = [line for line in found if line["level"] == "error"]
    assert (error["logger"], error["request_id"]) == ("uvicorn.error", "req_7")
    assert error["exception"].endswith("ValueError: no sk_***")


# --- the request id -------------------------------------------------------------------------------


def test_the_request_id_is_on_every_line(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)
    bind_request("req_1")
    get_logger("t").info("ours")
    logging.getLogger("theirs").info("theirs")
    bind_request("req_2")
    get_logger("t").info("next")
    clear_request()
    clear_request()
    get_logger("t").info("none")
    assert [line.get("request_id") for line in lines(out)] == ["req_1", "req_1", "req_2", None]


@pytest.mark.anyio
async def test_tasks_keep_their_request_ids_apart(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)

    async def request(name: str) -> None:
        bind_request(name)
        await asyncio.sleep(0)
        get_logger("t").info(name)
        await asyncio.to_thread(logging.getLogger("worker").info, name)

    await asyncio.gather(*(asyncio.create_task(request(f"req_{n}")) for n in range(5)))
    found = lines(out)
    assert len(found) == 10
    assert all(line["request_id"] == line["event"] for line in found)


def test_another_thread_has_no_request_id(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)
    bind_request("req_1")
    thread = threading.Thread(target=get_logger("t").info, args=("event",))
    thread.start()
    thread.join()
    assert "request_id" not in lines(out)[0]
