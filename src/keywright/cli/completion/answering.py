"""The answer to a shell that asks how a line may go on. Its script gets nothing else, whatever goes wrong.

The script says which shell it is in `_KEYWRIGHT_COMPLETE`, the line up to the cursor in `_KEYWRIGHT_LINE`, and,
where the shell itself has read the word at the cursor, that in `_KEYWRIGHT_WORD`; then the line ends before it.
All comes by the environment, since others can see the arguments of a command. The answer's first line is
`words`, `files` with what stands before the file's name, or `program` with the number of the word at which another
program's line begins. After `words` follows a candidate a line, and behind a tab what is known of it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from click.shell_completion import ShellComplete

from keywright.cli.completion.line import for_bash, read
from keywright.cli.offers import FILE, PROGRAM
from keywright.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import click


VARIABLE: Final = "_KEYWRIGHT_COMPLETE"


def answer(cli: click.Command) -> NoReturn:
    """Answer the shell that asks by the environment, and end the process."""
    try:
        text = "".join(f"{line}\n" for line in lines(cli, os.environ))
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - nobody has asked to be told while typing
        os._exit(1)
    # A thread may hang in a question that was given up.
    os._exit(0)


def lines(cli: click.Command, environ: Mapping[str, str]) -> Iterator[str]:
    """The lines of an answer."""
    shell = environ[VARIABLE]
    line = read(environ.get("_KEYWRIGHT_LINE", ""), environ.get("_KEYWRIGHT_BREAKS", ""))
    begun = environ.get("_KEYWRIGHT_WORD", line.begun)
    name, equals, _ = begun.partition("=")
    before = f"{name}=" if equals and name.startswith("--") else ""
    found = ShellComplete(cli, {}, "keywright", VARIABLE).get_completions(list(line.words[1:]), begun)
    programs = [one.value for one in found if one.type == PROGRAM]
    if programs:
        yield f"program\t{len(line.words) - int(programs[0])}"
        return
    marks = [one.value for one in found if one.type == FILE]
    if marks:
        yield f"files\t{before}{marks[0]}"
        return
    yield "words"
    for one in found:
        word = f"{before}{one.value}"
        written = for_bash(line, word) if shell == "bash" else word
        if written:
            yield f"{written}\t{_first_sentence(one.help or '')}"


def _first_sentence(text: str) -> str:
    return printable(text.strip().split("\n")[0].split(". ")[0].removesuffix("."))
