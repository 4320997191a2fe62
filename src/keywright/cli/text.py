"""Text from elsewhere made fit to be printed: it cannot steer a terminal, start a line, or hide what it says."""

from __future__ import annotations

import json
import re

# C0 and C1 controls, line and paragraph separators, the marks that reorder text, and lone surrogates.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text on one line, with what steers a terminal written as an escape like those of Python."""
    return _STEERING.sub(lambda found: repr(found[0])[1:-1], text)


def pretty_json(value: object) -> str:
    """JSON for programs that a person can read too; what steers a terminal is escaped as JSON can."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "\n".join(
        _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", line) for line in text.split("\n")
    )
