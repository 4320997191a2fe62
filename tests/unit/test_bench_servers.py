"""How the benchmark drives and reads wrk, and follows a server's processes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import PARTS, asked
from bench.servers import VARIATIONS, Request, family, parsed, script_of

if TYPE_CHECKING:
    from pathlib import Path

PRINTED = """\
Running 1s test @ http://127.0.0.1:8300
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20ms    0.60ms  30.00ms   95.00%
  Latency Distribution
     50%  850.00us
     75%    1.30ms
     90%    1.80ms
     99%    1.20s
  20000 requests in 1.00s, 8.00MB read
Requests/sec:  19980.25
Transfer/sec:      8.00MB
"""


def test_what_wrk_prints_is_read() -> None:
    found = parsed(PRINTED, server_cpu=0.8, load_cpu=0.25, passed=1.0)
    assert (found.requests, found.per_second, found.failures) == (20_000, 19_980.25, 0)
    assert (found.p50_ms, found.p99_ms) == (pytest.approx(0.85), 1200.0)
    assert (found.cpu_us, found.server_share, found.load_share) == (pytest.approx(40.0), 0.8, 0.25)


@pytest.mark.parametrize(
    ("line", "failures"),
    [
        ("  Non-2xx or 3xx responses: 17\n", 17),
        ("  Socket errors: connect 1, read 2, write 3, timeout 4\n", 10),
        ("  Socket errors: connect 0, read 2, write 0, timeout 0\n  Non-2xx or 3xx responses: 5\n", 7),
    ],
)
def test_whatever_was_not_answered_well_counts_as_failed(line: str, failures: int) -> None:
    assert parsed(PRINTED + line, 1, 1, 1).failures == failures


def test_output_of_another_form_is_not_taken_for_a_figure() -> None:
    with pytest.raises(SystemExit, match="unexpected"):
        parsed("unable to connect", 1, 1, 1)


def test_a_script_holds_the_requests_in_turn(tmp_path: Path) -> None:
    requests = [
        Request("POST", "/v1/verify", {"Authorization": "Bearer one"}, '{"token": "two"}'),
        Request("GET", "/check", {"Authorization": "Bearer three"}),
    ]
    text = script_of(requests, tmp_path / "load.lua").read_text()
    first, second = (line for line in text.splitlines() if line.startswith("{"))
    assert first == (
        '{"POST", "/v1/verify", {["Authorization"] = "Bearer one"}, "{\\"token\\": \\"two\\"}"},'
    )
    assert second == '{"GET", "/check", {["Authorization"] = "Bearer three"}, nil},'


@pytest.mark.parametrize(("varied", "change"), VARIATIONS.items())
def test_a_script_can_make_each_request_another(tmp_path: Path, varied: str, change: str) -> None:
    requests = [Request("POST", "/v1/verify", {"Authorization": "Bearer one"}, '{"token": "two"}')]
    once = script_of(requests, tmp_path / "once.lua").read_text()
    found = script_of(requests, tmp_path / "varied.lua", varied=varied).read_text()
    assert found.startswith(once)
    assert found.count("function request()") == 2
    assert change in found.removeprefix(once)


def test_a_family_is_a_process_with_all_that_it_started() -> None:
    sleeper = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", sleeper], stdin=subprocess.PIPE) as process:
        while len(found := family(process.pid)) < 2:
            assert process.poll() is None
        assert found[0] == process.pid
        assert set(found) < set(family(os.getpid()))
        process.communicate(b"\n")
    assert process.returncode == 0


def test_all_parts_run_in_order_unless_some_are_named() -> None:
    _, everything, _ = asked([])
    assert everything == list(PARTS)
    assert asked(["workers", "cold"])[1] == ["cold", "workers"]


def test_a_quick_run_never_takes_the_place_of_a_real_one() -> None:
    options, _, folder = asked(["--quick"])
    assert options.few(300) < 300
    assert ".bench" in folder.parts
    real, _, place = asked([])
    assert real.few(300) == 300
    assert place.parts[-2:] == ("bench", "results")


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        asked(["sped"])
    assert "there is no part sped" in capsys.readouterr().err
