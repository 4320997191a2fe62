"""The commands that a newcomer and CI run."""

import ast
import os
import re
import shutil
import signal
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.servers import minimal_environment, running
from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]
PINS = ("pyproject.toml", "uv.lock", "tools/bootstrap.py", "tools/uv-requirements.txt")

WAITS_FOR_SIGTERM = """\
#!/bin/sh
trap 'echo stopped; exit 0' TERM
echo "$@"
while :; do sleep 0.1; done
"""


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *words]
    environ = minimal_environment(folder)
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A project folder whose environment is up to date, with a `keywright` that waits for SIGTERM."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for path in PINS:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("", "utf-8")
    program = tmp_path / ".venv" / "bin" / "keywright"
    program.parent.mkdir(parents=True)
    program.write_text(WAITS_FOR_SIGTERM, "utf-8")
    program.chmod(0o755)
    for stamp in ("runtime", "dev"):
        (tmp_path / ".venv" / f".{stamp}-python3").touch()
    return tmp_path


def test_make_alone_lists_every_command_with_a_sentence() -> None:
    listed = make(ROOT).stdout
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"help", "install", "serve", "test", "check", "bench", "format", "clean"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  {target} +[A-Z].*\.$", listed, re.MULTILINE), target


def test_serve_passes_its_arguments_and_signals_on(installed: Path) -> None:
    with running(["make", "serve", "ARGS=--port 8301"], cwd=installed) as process:
        while not process.output():
            assert process.popen.poll() is None, process.errors()
        assert process.output() == "serve --port 8301\n"
        process.stop(signal.SIGTERM)
        assert process.output() == "serve --port 8301\nstopped\n"


@pytest.mark.parametrize("pin", PINS)
def test_serve_installs_again_only_after_a_pin_changed(installed: Path, pin: str) -> None:
    assert "bootstrap" not in make(installed, "-n", "serve").stdout
    later = (installed / ".venv" / ".runtime-python3").stat().st_mtime + 10
    os.utime(installed / pin, (later, later))
    assert "python3 tools/bootstrap.py" in make(installed, "-n", "serve").stdout
    assert "python3 tools/bootstrap.py --dev" in make(installed, "-n", "test").stdout


def test_another_python_gets_an_environment_of_its_own(installed: Path) -> None:
    assert "python3.13 tools/bootstrap.py" in make(installed, "-n", "serve", "PYTHON=python3.13").stdout


def test_a_missing_python_stops_with_a_sentence(installed: Path) -> None:
    failed = make(installed, "serve", "PYTHON=python9")
    assert failed.returncode != 0
    assert failed.stderr.startswith("python9 is not on the PATH; Keywright needs Python 3.11 or newer.")


def test_an_old_python_understands_the_bootstrap_and_is_told_what_is_needed() -> None:
    ast.parse((ROOT / "tools" / "bootstrap.py").read_text("utf-8"), feature_version=(3, 6))
    assert bootstrap.too_old(3, 11, 0) == ""
    said = bootstrap.too_old(3, 10, 13)
    assert said.startswith("Keywright needs Python 3.11 or newer, and ")
    assert " is 3.10.13. " in said


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = ".".join(map(str, bootstrap.OLDEST))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["requires-python"] == f">={oldest}"
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert project["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"


def test_another_pip_than_the_pinned_one_is_refused() -> None:
    with pytest.raises(SystemExit, match="is not the pip that"):
        bootstrap.checked(b"another wheel")


def test_uv_is_pinned_by_digest_and_builds_keywright_itself() -> None:
    text = (ROOT / "tools" / "uv-requirements.txt").read_text("utf-8")
    pin, *digests = [line.strip(" \\") for line in text.splitlines() if not line.startswith("#")]
    version = re.fullmatch(r"uv==(\d+)\.(\d+)\.\d+", pin)
    assert version is not None
    assert len(digests) > 1
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", digest) for digest in digests)
    major, minor = map(int, version.groups())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["build-system"]["requires"] == [f"uv_build>={major}.{minor},<{major}.{minor + 1}"]


def test_the_lock_names_public_hosts_alone() -> None:
    lock = (ROOT / "uv.lock").read_text("utf-8")
    assert set(re.findall(r"[a-z+]+://[^/\"]+", lock)) == {
        "https://files.pythonhosted.org",
        "https://pypi.org",
    }


def test_ci_runs_the_checks() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^exec make check ", script.read_text("utf-8"), re.MULTILINE)
