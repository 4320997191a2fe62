"""The documents become a site that leads nowhere else, and what is wrong with a site is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.documents import CONFIGURATION, DOCS, ROOT, Staging, faults, not_in_navigation
from tools.links import links, pages

if TYPE_CHECKING:
    from pathlib import Path


def site(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return folder


def test_the_stage_holds_whatever_a_page_links_to(tmp_path: Path) -> None:
    Staging(tmp_path).fill()
    assert (tmp_path / "repository" / "README.md").is_file()
    shown = (tmp_path / "repository" / "examples" / "README.md").read_text("utf-8")
    assert "(../../middleware.md)" in shown
    assert not (tmp_path / "decisions" / "0000-template.md").exists()
    for page in tmp_path.rglob("*.md"):
        for link in links(page.read_text("utf-8")):
            assert not link.path.endswith(".md") or (page.parent / link.path).is_file(), page


def test_a_file_that_is_no_page_is_shown_as_code(tmp_path: Path) -> None:
    stage = Staging(tmp_path)
    source = ROOT / "tests" / "docs" / "test_site.py"
    assert stage.place(source) == tmp_path / "repository" / "tests" / "docs" / "test_site.py.md"
    stage.fill()
    shown = stage.place(source).read_text("utf-8")
    assert shown.startswith("# tests/docs/test_site.py\n\n")
    assert source.read_text("utf-8").rstrip() in shown


def test_a_sound_site_has_no_findings(tmp_path: Path) -> None:
    site(
        tmp_path,
        index__html='<link rel="stylesheet" href="a.css"><a href="b.html#part">b</a><a href="https://example.com">c</a>',
        b__html='<h2 id="part">b</h2><a href="#part"><a href="./"><img src="data:image/png;base64,AA==">',
        a__css="a { background: url(a.css) }",
    )
    assert list(faults(tmp_path)) == []


def test_what_is_wrong_with_a_site_is_told(tmp_path: Path) -> None:
    site(
        tmp_path,
        index__html="""<a href="missing.html"></a><a href="b.html#other"></a><img src="missing.png">
            <script src="https://example.com/a.js"></script><link rel="preconnect" href="//example.com">
            <pre class="mermaid"></pre>""",
        b__html="",
        a__css='@import "https://example.com/b.css"; a { background: url(//example.com/c.png) }',
    )
    assert list(faults(tmp_path)) == [
        "index.html: missing.html is not in the site.",
        "index.html: b.html#other has no such anchor.",
        "index.html: missing.png is not in the site.",
        "index.html: https://example.com/a.js is loaded from another host.",
        "index.html: //example.com is loaded from another host.",
        "index.html: https://unpkg.com/mermaid is loaded from another host.",
        'a.css: @import "https://example.com/b.css is loaded from another host.',
        "a.css: url(//example.com/c.png is loaded from another host.",
    ]


def test_every_page_stands_in_the_navigation() -> None:
    assert list(not_in_navigation(CONFIGURATION, pages(ROOT))) == []
    assert list(not_in_navigation(CONFIGURATION, [DOCS / "missing.md"])) == [
        "zensical.toml: docs/missing.md is not in the navigation."
    ]


def test_every_decision_is_listed() -> None:
    folder = DOCS / "decisions"
    listed = {link.path for link in links((folder / "README.md").read_text("utf-8"))}
    assert listed == {path.name for path in folder.glob("0*.md")} - {"0000-template.md"}
