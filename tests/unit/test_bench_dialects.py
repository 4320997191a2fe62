"""What the benchmark says of dialects, from rounds that were measured."""

from __future__ import annotations

from bench.parts.dialects import CONSTANT, CONTEMBER, CYCLOID, LABELS, Measured, section
from bench.results import text
from bench.servers import Load


def rounds(cpu_us: float) -> tuple[Load, ...]:
    return tuple(Load(1_000, 1e6 / cpu_us, 1.0, 2.0, cpu_us, 0.9, 0.5, 0) for _ in range(3))


def test_the_target_is_the_processor_time_with_many_connections() -> None:
    measured = [
        Measured(name, connections, rounds(cpu_us * (2 if connections == 1 else 1)))
        for name, cpu_us in ((CONSTANT, 40.0), (CONTEMBER, 200.0), (CYCLOID, 100.0))
        for connections in (1, 32)
    ]
    found = section(measured, ["A note."])
    (target,) = found.targets
    assert (target.figure.value, target.bound, target.met) == (200.0, 250.0, True)
    shown = text(found)
    assert all(shown.count(label) == 2 for label in LABELS.values())
    assert "1,500 requests/s at 1 connection and 3,200 requests/s at 32 connections" in shown
    assert "A note." in shown


def test_a_dialect_that_is_not_there_leaves_the_others() -> None:
    measured = [Measured(name, 32, rounds(40.0)) for name in (CONSTANT, CYCLOID)]
    assert section(measured, []).targets == ()
