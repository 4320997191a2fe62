"""The files of the person whose shell it is, and of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def project(repository: Path, text: str, mode: int = 0o644) -> Path:
    return write(repository / ".keywright.toml", text, mode)


def config(home: Path, text: str, mode: int = 0o600) -> Path:
    return write(home / ".config/keywright/config.toml", text, mode)
