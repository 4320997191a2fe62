"""The benchmark's tables, plots and files."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from bench import results
from bench.figures import Bar, Plot, Row, Section, Table, Target, exactly, figure
from bench.machine import Run, describe
from bench.plot import WIDTH, svg
from bench.results import Result
from bench.table import markdown, targets

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
RUN = Run(
    at="2026-11-03 12:00 UTC",
    commit="0123456789ab",
    clean=True,
    system="Linux",
    processor="A processor",
    cores=2,
    memory_bytes=8 << 30,
    load=0.25,
    versions=(("Python", "3.11"),),
)
PLOT = Plot(
    "rate",
    "Rates <of> two",
    (Bar("ours & best", figure([9.0, 10.0, 11.0], "/s"), ours=True), Bar("other", exactly(5.0, "/s"))),
    more_is_better=True,
)


def a_section(name: str, **fields: object) -> Section:
    table = Table(("", "rate"), (Row("ours", ("10 /s",), ours=True),))
    return Section(name, f"About {name}", "How it was measured.", (table,), **fields)  # type: ignore[arg-type]


def test_a_table_is_aligned_and_marks_what_is_ours() -> None:
    table = Table(("what", "µs"), (Row("a|b", ("1.00",)), Row("ours", ("12.00",), ours=True)), title="Costs:")
    assert markdown(table).splitlines() == [
        "Costs:",
        "",
        "| what     |        µs |",
        "| -------- | --------: |",
        "| a\\|b     |      1.00 |",
        "| **ours** | **12.00** |",
    ]


def test_targets_say_what_was_promised_and_whether_it_is_kept() -> None:
    rows = targets(
        [
            Target("fast", exactly(2.0, "µs"), 3),
            Target("often", exactly(2.0, "/s"), 3, at_most=False),
        ]
    ).rows
    assert [row.cells for row in rows] == [
        ("at most 3.00 µs", "2.00 µs", "yes"),
        ("at least 3.00 /s", "2.00 /s", "no"),
    ]


def test_a_plot_is_well_formed_and_to_scale() -> None:
    root = ET.fromstring(svg(PLOT))
    bars = [one for one in root.iter(f"{SVG}rect") if "bar" in one.attrib["class"].split()]
    first, second = (float(one.attrib["width"]) for one in bars)
    assert first == pytest.approx(2 * second, abs=0.2)
    assert [one.attrib["class"] for one in bars] == ["bar ours", "bar"]
    assert all(float(one.attrib["x"]) + float(one.attrib["width"]) < WIDTH for one in bars)
    assert root.findtext(f"{SVG}title") == "Rates <of> two"
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert {"ours & best", "10.0 /s", "other", "5.00 /s"} <= set(texts)


def test_a_plot_shows_the_span_of_rounds_that_differ() -> None:
    spans = [one for one in ET.fromstring(svg(PLOT)).iter(f"{SVG}line") if one.attrib["class"] == "spread"]
    assert len(spans) == 1


def test_a_plot_has_colours_for_dark_pages() -> None:
    assert "@media(prefers-color-scheme:dark)" in svg(PLOT)


def test_a_plot_of_nothing_is_a_plot() -> None:
    ET.fromstring(svg(Plot("none", "Nothing", ())))
    ET.fromstring(svg(Plot("zero", "Zero", (Bar("zero", exactly(0.0, "")),))))


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = Result(RUN, "2 rounds", a_section("verify", plots=(PLOT,), notes=("One was missing.",)))
    results.write(tmp_path, [written], ["verify"])
    assert results.read(tmp_path, "verify") == written
    assert (tmp_path / "rate.svg").read_text("utf-8") == svg(PLOT)


def test_a_part_that_runs_alone_leaves_the_results_of_the_others(tmp_path: Path) -> None:
    order = ["verify", "cold", "start"]
    results.write(tmp_path, [Result(RUN, "", a_section("start"))], order)
    results.write(tmp_path, [Result(RUN, "", a_section("verify"))], order)
    page = (tmp_path / "README.md").read_text("utf-8")
    assert page.index("## About verify") < page.index("## About start")
    assert "cold" not in page


def test_the_page_tells_the_circumstances() -> None:
    section = a_section("verify", plots=(PLOT,), targets=(Target("fast", exactly(2.0, "µs"), 3),))
    page = results.page([Result(RUN, "2 rounds", section)])
    for part in ("2026-11-03 12:00 UTC", "0123456789ab", "A processor, 2 cores, 8,192 MiB", "2 rounds"):
        assert part in page
    assert "![Rates <of> two](rate.svg)" in page
    assert "not committed" not in page


def test_the_machine_is_described_without_being_told() -> None:
    run = describe()
    assert run.cores >= 1
    assert run.memory_bytes > 1 << 28
    assert {"Keywright", "Python", "SQLite", "uvicorn"} <= dict(run.versions).keys()
