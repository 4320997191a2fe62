"""Build the documents as a site in `site/`, and check every page of it.

Run as `python -m tools.documents`. Files of the repository that a page links to become pages below `repository/`.
Zensical builds strictly, so that a link or an anchor that leads nowhere ends it. Then the built pages are read:
whatever they link to is in the site, nothing is loaded from another host, and each page stands in the navigation.
Prints one line a finding and exits with 1 when there is one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tools.links import Link, links, pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent

DOCS = ROOT / "docs"
CONFIGURATION = ROOT / "zensical.toml"
STAGE = ROOT / ".site"
SITE = ROOT / "site"
ELSEWHERE = "repository"
# A form for pages to come, and none itself.
LEFT_OUT = {DOCS / "decisions" / "0000-template.md"}
LANGUAGES = {
    "py": "python",
    "sh": "sh",
    "toml": "toml",
    "yaml": "yaml",
    "json": "json",
    "lua": "lua",
    "conf": "nginx",
}
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "video": "src", "audio": "src"}
RELATIONS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?(https?:)?//[^)\"']+")


class Staging:
    """The copy of the documents that the site is built from."""

    def __init__(self, stage: Path) -> None:
        self.stage = stage
        self.waiting: list[Path] = []
        self.placed: dict[Path, Path] = {}

    def place(self, source: Path) -> Path:
        """Return where a file of the repository stands in the stage, and see to it that it will."""
        if source in self.placed:
            return self.placed[source]
        if source.is_relative_to(DOCS):
            target = self.stage / source.relative_to(DOCS)
        else:
            inside = source.relative_to(ROOT)
            shown = (
                inside if source.suffix in {".md", ".svg", ".png"} else inside.with_name(f"{inside.name}.md")
            )
            target = self.stage / ELSEWHERE / shown
        self.placed[source] = target
        self.waiting.append(source)
        return target

    def fill(self) -> None:
        """Write the documents, and whatever they lead to."""
        for source in sorted(DOCS.rglob("*")):
            if source.is_file() and source not in LEFT_OUT:
                self.place(source)
        while self.waiting:
            source = self.waiting.pop()
            target = self.placed[source]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix == ".md":
                target.write_text(self.moved(source), "utf-8")
            elif target.suffix == ".md":
                target.write_text(shown_as_code(source), "utf-8")
            else:
                shutil.copyfile(source, target)

    def moved(self, source: Path) -> str:
        """Return the text of a page with its links turned to where their targets stand in the stage."""
        text = source.read_text("utf-8")
        for link in sorted(links(text), reverse=True):
            if link.path:
                text = f"{text[: link.start]}{self.turned(source, link)}{text[link.end :]}"
        return text

    def turned(self, source: Path, link: Link) -> str:
        """Return a link as it reads on the page's place in the stage."""
        target = (source.parent / link.path).resolve()
        if target.is_dir():
            target /= "README.md"
        if not target.is_file() or not target.is_relative_to(ROOT):
            return link.path
        path = Path(os.path.relpath(self.place(target), self.placed[source].parent)).as_posix()
        return f"{path}#{link.anchor}" if link.anchor else path


def shown_as_code(source: Path) -> str:
    """Return a page that shows a file which is none itself."""
    text = source.read_text("utf-8")
    fence = "`" * (1 + max((len(found) for found in re.findall(r"`{2,}", text)), default=2))
    language = LANGUAGES.get(source.suffix.removeprefix("."), "text")
    return f"# {source.relative_to(ROOT)}\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


class Reader(HTMLParser):
    """What one built page says of itself: its anchors, where it links to, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = {"", "__skip"}
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what counts of a tag."""
        found = {name: value for name, value in attrs if value is not None}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and "href" in found and RELATIONS & set(found.get("rel", "").split()):
            self.loads.append(found["href"])
        if found.get(LOADING.get(tag, "")):
            self.loads.append(found[LOADING[tag]])
        if (
            "mermaid" in found.get("class", "").split()
        ):  # the theme fetches the drawing program from elsewhere
            self.loads.append("https://unpkg.com/mermaid")


def read(path: Path) -> Reader:
    """Return what a built page says."""
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader


def leading_nowhere(
    site: Path, page: Path, targets: Iterable[str], known: dict[Path, Reader]
) -> Iterator[str]:
    """Yield a sentence for each address within the site at which there is nothing."""
    for address in targets:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        path = unquote(parts.path)
        base = site if path.startswith("/") else page.parent
        target = (base / path.lstrip("/")).resolve() if path else page
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file():
            yield f"{address} is not in the site."
        elif target in known and unquote(parts.fragment) not in known[target].anchors:
            yield f"{address} has no such anchor."


def foreign(addresses: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each address that another host is asked for."""
    for address in addresses:
        if urlsplit(address).netloc:
            yield f"{address} is loaded from another host."


def faults(site: Path) -> Iterator[str]:
    """Yield a line for whatever is wrong with a built site."""
    known = {path.resolve(): read(path) for path in sorted(site.rglob("*.html"))}
    for page, reader in known.items():
        for said in (
            *leading_nowhere(site, page, [*reader.links, *reader.loads], known),
            *foreign(reader.loads),
        ):
            yield f"{page.relative_to(site.resolve())}: {said}"
    for sheet in sorted((*site.rglob("*.css"), *site.rglob("*.svg"))):
        for found in IN_STYLES.finditer(sheet.read_text("utf-8")):
            yield f"{sheet.relative_to(site)}: {found[0]} is loaded from another host."


def in_navigation(nav: list[Any]) -> Iterator[str]:
    """Yield the pages that a navigation names, as zensical.toml writes it."""
    for entry in nav:
        for place in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(place, str):
                yield place
            else:
                yield from in_navigation(place)


def not_in_navigation(configuration: Path, docs: Iterable[Path]) -> Iterator[str]:
    """Yield a line for each document that nobody finds who goes by the navigation."""
    named = set(in_navigation(tomllib.loads(configuration.read_text("utf-8"))["project"]["nav"]))
    for page in docs:
        if page.is_relative_to(DOCS) and page not in LEFT_OUT:
            name = page.relative_to(DOCS).as_posix()
            if name not in named and not name.startswith("decisions/0"):
                yield f"{configuration.name}: docs/{name} is not in the navigation."


def build() -> int:
    """Build the site and return the exit code of the builder."""
    for folder in (STAGE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    Staging(STAGE / "docs").fill()
    zensical = str(Path(sys.executable).with_name("zensical"))
    command = [zensical, "build", "--strict", "--clean", "--config-file", str(CONFIGURATION)]
    environ = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout.rstrip(), done.stderr.rstrip(), sep="\n")
    return done.returncode


def main() -> int:
    """Build and check, print the findings and return the exit code."""
    if build() != 0:
        return 1
    found = [*not_in_navigation(CONFIGURATION, pages(ROOT)), *faults(SITE)]
    print(*found, sep="\n", end="\n" if found else "")
    if not found:
        print(f"{sum(1 for _ in SITE.rglob('*.html'))} pages in {SITE.relative_to(ROOT)}/")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
