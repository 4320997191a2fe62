"""Links of Markdown files are found, and those that lead nowhere are told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.links import anchors, faults, links

ROOT = Path(__file__).parents[2]

FOUND = [
    ("[one](a.md)", [("a.md", "")]),
    ("[one](a.md#part) and ![two](b.png)", [("a.md", "part"), ("b.png", "")]),
    ("[![both](c.svg)](d.md)", [("c.svg", ""), ("d.md", "")]),
    ("[over two\nlines](e.md)", [("e.md", "")]),
    ('[titled](f.md "A title")', [("f.md", "")]),
    ("[spaced](<g.md>)", [("g.md", "")]),
    ("[here](#part)", [("", "part")]),
    ("[escaped](h%20i.md)", [("h i.md", "")]),
    ('<img src="j.png" alt="">', [("j.png", "")]),
    ("[away](https://example.com/a.md) [mail](mailto:a@example.com) [away](//example.com)", []),
    ("`[code](a.md)` and ``[`code`](a.md)``", []),
    ("```md\n[code](a.md)\n```\n[one](b.md)", [("b.md", "")]),
    ("````md\n```\n[code](a.md)\n```\n````\n", []),
]


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=range(len(FOUND)))
def test_links_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    found = sorted(links(text))
    assert [(link.path, link.anchor) for link in found] == expected
    for link in found:
        assert "](" not in text[link.start : link.end]


def test_headings_have_the_anchors_of_a_forge() -> None:
    text = "# What `**` matches, and why\n## Two  words\n## Same\n## Same\n```\n# no heading\n```\n## [A](b.md) link\n"
    assert anchors(text) == {"what--matches-and-why", "two--words", "same", "same-1", "a-link"}
    assert anchors('<a id="mine"></a>\n') == {"mine"}


def test_what_leads_nowhere_is_told_with_its_place(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "README.md").write_text("# Pages\n## Some part\n", "utf-8")
    (folder / "data.json").write_text("{}", "utf-8")
    good = "[good](README.md#some-part) [good](../docs) [good](../docs#some-part) [good](data.json)"
    bad = ("missing.md", "README.md#other", "#nowhere", "../../outside.md", "data.json#part")
    (folder / "page.md").write_text("\n".join((good, *(f"[bad]({target})" for target in bad))), "utf-8")
    assert list(faults(tmp_path)) == [
        "docs/page.md:2: missing.md is not there.",
        "docs/page.md:3: README.md has no heading #other.",
        "docs/page.md:4: page.md has no heading #nowhere.",
        "docs/page.md:5: ../../outside.md leads out of the repository.",
        "docs/page.md:6: data.json has no headings, and so no #part.",
    ]
