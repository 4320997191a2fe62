"""Logging: every line of the process, whoever wrote it, goes through one chain to one stream.

Our own loggers, uvicorn's, SQLAlchemy's, Alembic's, asyncio's and Python's warnings all end in the handler
that `configure` sets up. It adds the time, the level, the logger and the request id, writes exceptions out
without local variables, redacts every text, and renders the line as JSON or for a console.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO, cast

import structlog
from structlog.contextvars import bind_contextvars, get_contextvars, unbind_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, format_exc_info
from structlog.stdlib import BoundLogger, LoggerFactory, ProcessorFormatter, filter_by_level

from keywright.ops.redaction import Redact, clean

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

#: Loggers that below a warning would write statements with their parameters, or what only their makers want to know.
_CAREFUL: Final = ("aiosqlite", "alembic", "httpcore2", "httpx2", "sqlalchemy")
#: Loggers that uvicorn may have given handlers of its own.
_UVICORN: Final = ("uvicorn", "uvicorn.error", "uvicorn.asgi")

_FRONT: Final[tuple[Processor, ...]] = (filter_by_level, ProcessorFormatter.wrap_for_formatter)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def get_logger(name: str) -> BoundLogger:
    """Give a logger that takes an event and facts as keywords; cheap, and good before `configure` too."""
    return cast(
        "BoundLogger",
        structlog.wrap_logger(logging.getLogger(name), processors=_FRONT, wrapper_class=BoundLogger).bind(),
    )


def bind_request(request_id: str) -> None:
    """Put a request's id on every line that is written from here on in this task and those it starts."""
    bind_contextvars(request_id=request_id)


def clear_request() -> None:
    """Take the request's id off the lines of this task again."""
    unbind_contextvars("request_id")


def configure(
    level: str, fmt: str, redact: Redact, stream: TextIO | None = None, *, pid: int | None = None
) -> None:
    """Send every line of the process to one stream, standard error unless another is named.

    `level` is debug, info, warning or error; `fmt` is console, json, or auto, which is console on a terminal. A `pid`
    stands on every line, for one of several processes that write to the same place.
    `redact` is given every text of a line and returns it without secrets. Calling again replaces the setup.
    """
    target = sys.stderr if stream is None else stream
    terminal = target.isatty()
    console = fmt == "console" or (fmt == "auto" and terminal)
    render = _console(colors=terminal) if console else (JSONRenderer(serializer=json.dumps),)
    handler = _Handler(target)
    handler.setFormatter(
        ProcessorFormatter(processors=(_Head(pid), format_exc_info, _Redaction(redact), *render))
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name in _CAREFUL:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    for name in _UVICORN:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    _silence("uvicorn.access")  # each request has a line of our own, with the facts that ours has
    logging.captureWarnings(capture=True)
    structlog.configure(processors=_FRONT, wrapper_class=BoundLogger, logger_factory=LoggerFactory())


def _silence(name: str) -> None:
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; where one fails it says so, without the values that `logging` itself would print."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is the base class's
        with contextlib.suppress(Exception):  # this fails only where no line can be written at all
            notice = logging.LogRecord(
                record.name, logging.ERROR, record.pathname, record.lineno, "log line lost", None, None
            )
            self.stream.write(self.format(notice) + self.terminator)
            self.flush()


class _Head:
    """Begins the line with what all lines have; an event's own facts cannot replace those."""

    def __init__(self, pid: int | None) -> None:
        self._process = {} if pid is None else {"pid": pid}

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event.pop("_record")
        del event["_from_structlog"]
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {
            "timestamp": moment.removesuffix("+00:00") + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event.pop("event", ""),
            **self._process,
            **get_contextvars(),
        }
        return {**head, **event, **head}


class _Redaction:
    """The processor that leaves plain values only, each text in them redacted."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return cast("EventDict", clean(event, self._redact))


def _console(*, colors: bool) -> tuple[Processor, ...]:
    renderer = ConsoleRenderer(colors=colors, sort_keys=False, exception_formatter=plain_traceback)
    return (_printable, renderer)


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what would start a new line or steer the terminal; a traceback keeps its line ends."""
    for key, value in event.items():
        if isinstance(value, str):
            lines = value.split("\n") if key == "exception" else [value]
            event[key] = "\n".join(_CONTROL.sub(lambda found: repr(found[0])[1:-1], line) for line in lines)
    return event
