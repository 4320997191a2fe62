"""Catalogs as the text of a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from keywright.services.catalog.reading import scalar

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Dumper(yaml.SafeDumper):
    """Writes everything in full, without aliases."""

    def ignore_aliases(self, data: object) -> bool:
        """Whether a value is written again where it stands again."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """A text, in quotes where our reader would take it for something else."""
    try:
        plain = scalar(text) == text
    except OverflowError:
        plain = False
    style = None if plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else style)


_Dumper.add_representer(str, _text)


def as_yaml(plain: Mapping[str, object], *, ascii_only: bool = False) -> str:
    """A catalog as YAML that `reading.read` reads back as it was; with `ascii_only`, other characters as escapes."""
    return yaml.dump(
        plain,
        Dumper=_Dumper,
        allow_unicode=not ascii_only,
        sort_keys=False,
        default_flow_style=False,
        width=110,
    )


def as_json(plain: Mapping[str, object]) -> str:
    """A catalog as JSON."""
    return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"
