"""What the tests of logging share."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def redact() -> Callable[[str], str]:
    """A redactor for tokens of a form of our own."""
    return lambda text: re.sub(r"sk_[a-z0-9]+", "sk_***", text)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process's logging as it was found."""
    names = ("", "aiosqlite", "sqlalchemy", "uvicorn", "uvicorn.error", "uvicorn.asgi", "uvicorn.access")
    loggers = [logging.getLogger(name) for name in names]
    before = [(log, log.handlers[:], log.level, log.propagate) for log in loggers]
    yield
    for log, handlers, level, propagate in before:
        log.handlers[:] = handlers
        log.setLevel(level)
        log.propagate = propagate
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()
