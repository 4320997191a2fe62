"""Check the links of the repository's Markdown files as a forge shows them.

A link to a file of the repository leads to one that is there, and one with an anchor to a heading of that file. Links
to other hosts are not followed. Prints one line a finding, `path:line: sentence`, and exits with 1 when there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"(?<!\\)\]\(\s*<?([^\s()<>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
SOURCE = re.compile(r"<(?:img|source|a)\b[^>]*?\b(?:src|srcset|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


class Link(NamedTuple):
    """A link within the repository: where its target stands in the text, and the target's parts."""

    start: int
    end: int
    path: str
    anchor: str


def _blank(found: re.Match[str]) -> str:
    """Spaces in place of what is no prose, so that everything else stays where it is."""
    return re.sub(r"[^\n]", " ", found[0])


def links(text: str) -> Iterator[Link]:
    """Yield the links of a Markdown text that lead to no other host."""
    prose = CODE.sub(_blank, FENCE.sub(_blank, text))
    for pattern in (LINK, SOURCE):
        for found in pattern.finditer(prose):
            if not SCHEME.match(found[1]):
                path, _, anchor = found[1].partition("#")
                yield Link(found.start(1), found.end(1), unquote(path), anchor)


def anchors(text: str) -> set[str]:
    """Return the anchors that a forge gives to the headings of a Markdown text, and those that it sets itself."""
    prose = FENCE.sub(_blank, text)
    found: set[str] = set(ANCHOR.findall(prose))
    for heading in HEADING.findall(prose):
        plain = re.sub(r"\]\([^)]*\)|[\[\]`*]", "", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        name, count = slug, 0
        while name in found:
            count += 1
            name = f"{slug}-{count}"
        found.add(name)
    return found


def fault(page: Path, link: Link, root: Path) -> str | None:
    """Say what is wrong with a link of a page below `root`, or `None`."""
    target = (page.parent / link.path).resolve() if link.path else page
    if not target.is_relative_to(root):
        return f"{link.path} leads out of the repository."
    if not target.exists():
        return f"{link.path} is not there."
    if not link.anchor:
        return None
    if target.is_dir():
        target = target / "README.md"
    if target.suffix != ".md" or not target.is_file():
        return f"{link.path} has no headings, and so no #{link.anchor}."
    if link.anchor not in anchors(target.read_text("utf-8")):
        return f"{link.path or page.name} has no heading #{link.anchor}."
    return None


def pages(root: Path) -> list[Path]:
    """Return the Markdown files that git knows of, or may come to know of."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "*.md"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted(path for name in listed.split("\0") if name and (path := root / name).is_file())


def faults(root: Path) -> Iterator[str]:
    """Yield a line for each link that leads nowhere."""
    for page in pages(root):
        text = page.read_text("utf-8")
        for link in links(text):
            said = fault(page, link, root)
            if said is not None:
                yield f"{page.relative_to(root)}:{text.count(chr(10), 0, link.start) + 1}: {said}"


def main() -> int:
    """Print the findings and return the exit code."""
    found = list(faults(ROOT))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
