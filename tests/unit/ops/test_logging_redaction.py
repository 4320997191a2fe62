"""Redaction of log lines: what is written by anybody, in any form, holds no token."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from keywright.ops.logging import bind_request, configure, get_logger

if TYPE_CHECKING:
    from keywright.ops.redaction import Redact

TOKEN = "sk_abc123"
FORMATS = ("json", "console")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def failing(message: str) -> None:
    local = 271_828 + len(message[:1])  # its value, unlike its name, is on no line of the source
    raise ValueError(message * (local > 0))


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("fmt", FORMATS)
def test_no_text_of_a_line_keeps_a_token(fmt: str, stream: type[io.StringIO], redact: Redact) -> None:
    out = stream()
    configure("info", fmt, redact, out)
    bind_request(TOKEN)
    facts: dict[str, Any] = {
        TOKEN: TOKEN,
        "nested": {TOKEN: [TOKEN, {"deep": (TOKEN, {TOKEN})}]},
        "bytes": TOKEN.encode(),
        "line": f"a\n{TOKEN}\n",
        "error": KeyError(TOKEN),
    }
    get_logger("t").info(f"event {TOKEN}", **facts)
    get_logger(TOKEN).bind(bound=TOKEN).info("event")
    logging.getLogger("theirs").info("%r and %s", [TOKEN], {"a": TOKEN})
    logging.getLogger("theirs").info("stack", stack_info=True)
    assert TOKEN not in out.getvalue()
    assert out.getvalue().count("sk_***") >= 14


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_text_of_an_exception_is_redacted(fmt: str, out: io.StringIO, redact: Redact) -> None:
    configure("info", fmt, redact, out)
    for log in (get_logger("t").exception, logging.getLogger("theirs").exception):
        try:
            try:
                failing(f"first {TOKEN}")
            except ValueError as error:
                error.add_note(f"note {TOKEN}")
                raise RuntimeError(f"second\n{TOKEN}") from error
        except RuntimeError:
            log("failed")
    get_logger("t").error("failed", exc_info=ExceptionGroup(f"group {TOKEN}", [OSError(TOKEN)]))
    found = out.getvalue()
    assert TOKEN not in found
    assert found.count("ValueError: first sk_***") == 2
    assert found.count("note sk_***") == 2
    assert found.count("OSError: sk_***") == 1
    assert "271829" not in found


def test_an_exception_is_text_in_json(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)
    try:
        failing("no")
    except ValueError:
        get_logger("t").exception("failed", a=1)
    (line,) = lines(out)
    assert (line["event"], line["level"], line["a"]) == ("failed", "error", 1)
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: no")
    assert "exc_info" not in line


def test_no_exception_where_none_is_handled(out: io.StringIO, redact: Redact) -> None:
    configure("info", "json", redact, out)
    logging.getLogger("theirs").exception("nothing went wrong")  # noqa: LOG004 - what is tested
    assert "exception" not in lines(out)[0]


def test_a_fact_cannot_forge_a_line_or_steer_the_terminal(out: io.StringIO, redact: Redact) -> None:
    configure("info", "console", redact, out)
    evil = "a\n2026-01-01 [info] forged\x1b[2J\u202e\u2028\r"
    get_logger("t").info(evil, fact=evil, bare="\x1b[2J", nested=[evil])
    logging.getLogger("theirs").info("%s", evil)
    assert len(out.getvalue().splitlines()) == 2
    assert out.getvalue().isascii()
    assert "\x1b" not in out.getvalue()
    try:
        failing("a\x1b[2J")
    except ValueError:
        get_logger("t").exception("failed")
    assert "\x1b" not in out.getvalue()
    assert "\n    failing(" in out.getvalue()


# --- when a line cannot be written ----------------------------------------------------------------


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_line_that_cannot_be_formatted_is_noted_without_its_values(
    fmt: str, out: io.StringIO, capsys: pytest.CaptureFixture[str], redact: Redact
) -> None:
    configure("info", fmt, redact, out)
    logging.getLogger("theirs").info("one %s two %s", TOKEN)  # noqa: PLE1206 - what is tested
    get_logger("t").info("next")
    first, second = out.getvalue().splitlines()
    assert "log line lost" in first
    assert "theirs" in first
    assert "next" in second
    assert TOKEN not in out.getvalue() + "".join(capsys.readouterr())


def test_a_redactor_that_fails_costs_the_line_and_lets_nothing_out(
    out: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(line: str) -> str:
        raise RuntimeError(line)

    configure("info", "json", broken, out)
    get_logger("t").info(TOKEN)
    assert out.getvalue() == ""
    assert "".join(capsys.readouterr()) == ""


def test_a_closed_stream_stops_nobody(capsys: pytest.CaptureFixture[str], redact: Redact) -> None:
    out = io.StringIO()
    configure("info", "json", redact, out)
    out.close()
    get_logger("t").info(TOKEN)
    assert "".join(capsys.readouterr()) == ""
