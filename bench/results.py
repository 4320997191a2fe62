"""Results on disk: a JSON file for each part, and the page and the plots that are made of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from bench import table
from bench.figures import Section, quantity
from bench.machine import Run  # noqa: TC001 - msgspec reads the annotation
from bench.plot import svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_INTRODUCTION = """\
# Benchmark results

Written by `make bench`; [docs/performance.md](../../docs/performance.md) says what each figure means. Each part is one
run, in which everything compared took turns. A figure is the median of the rounds, with how far the lowest and the
highest lie from it.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What one part found, on what, and the options that it ran with."""

    run: Run
    options: str
    section: Section


def write(folder: Path, results: Iterable[Result], order: Sequence[str]) -> None:
    """Store results, and make the page anew of all that the folder then holds, in the order of the parts."""
    folder.mkdir(parents=True, exist_ok=True)
    for result in results:
        encoded = msgspec.json.format(msgspec.json.encode(result), indent=1)
        (folder / f"{result.section.name}.json").write_bytes(encoded + b"\n")
        for plot in result.section.plots:
            (folder / f"{plot.name}.svg").write_text(svg(plot), "utf-8")
    found = [read(folder, name) for name in order if (folder / f"{name}.json").exists()]
    (folder / "README.md").write_text(page(found), "utf-8")


def read(folder: Path, name: str) -> Result:
    """The stored result of a part."""
    return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Result)


def page(results: Sequence[Result]) -> str:
    """The page, in Markdown."""
    return "\n".join([_INTRODUCTION, *map(_section, results)])


def text(section: Section) -> str:
    """A section for the terminal, and the page's body of it: tables, targets and notes."""
    parts = [table.markdown(one) for one in section.tables]
    if section.targets:
        parts.append(table.markdown(table.targets(section.targets)))
    if section.notes:
        parts.append("\n".join(f"- {note}" for note in section.notes))
    return "\n\n".join(parts)


def _section(result: Result) -> str:
    section = result.section
    pictures = [f"![{plot.title}]({plot.name}.svg)" for plot in section.plots]
    return "\n\n".join(
        [f"## {section.title}", section.about, *pictures, text(section), circumstances(result), ""]
    )


def circumstances(result: Result) -> str:
    """When, of what and on what, in a sentence or three."""
    run = result.run
    state = run.commit if run.clean else f"{run.commit} with changes that are not committed"
    versions = ", ".join(f"{name} {number}" for name, number in run.versions)
    return (
        f"<sub>{run.at}, commit {state}; {run.processor}, {run.cores} cores, {quantity(run.memory_bytes, 'bytes')}, "
        f"{run.system}; load before {run.load:.2f}. {versions}. Options: {result.options}.</sub>"
    )
