"""Write the reference, or with `--check` say which parts of it are not as the code has it.

Whole pages stand in `docs/reference/`. Tables that are parts of a page stand between two comments,
`<!-- NAME: written by tools/reference -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keywright import settings
from keywright.ops import metrics
from tools.reference import cli, errors, graphql, permissions, rest

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": cli.text,
    "reference/rest.md": rest.text,
    "reference/graphql.md": graphql.text,
    "reference/errors.md": errors.text,
    "reference/permissions.md": permissions.text,
}
PASSAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings.md": ("settings", settings.reference_table),
    "metrics.md": ("metrics", metrics.reference_table),
}


def replaced(page: str, name: str, passage: str) -> str:
    """Return a page with what stands between two comments replaced. Raises `ValueError` where they are missing."""
    begin, end = f"<!-- {name}: written by tools/reference -->\n", f"<!-- end of {name} -->\n"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"The comments around {name} are not there once each.")
    before, _, rest_of_it = page.partition(begin)
    return f"{before}{begin}\n{passage.rstrip()}\n\n{end}{rest_of_it.partition(end)[2]}"


def wanted(docs: Path) -> dict[Path, str]:
    """Return the files of the reference, each with the text that the code gives it."""
    found = {docs / name: text() for name, text in PAGES.items()}
    for name, (passage, text) in PASSAGES.items():
        found[docs / name] = replaced((docs / name).read_text("utf-8"), passage, text())
    return found


def stale(docs: Path) -> list[Path]:
    """Return the files of the reference that are not as the code has it."""
    texts = wanted(docs)
    return [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]


def main(arguments: list[str]) -> int:
    """Write, or check, and return the exit code."""
    changed = stale(DOCS)
    if arguments == ["--check"]:
        for path in changed:
            print(
                f"{path.relative_to(DOCS.parent)} is not as the code has it: run `python -m tools.reference`."
            )
        return 1 if changed else 0
    texts = wanted(DOCS)
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        path.write_text(texts[path], "utf-8")
        print(path.relative_to(DOCS.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
