"""Templates: where they are, and what all of them may use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from keywright.console import words
from keywright.web.assets import Assets

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "/assets/console/"
"""The path of the console's files."""

_HERE: Final = Path(__file__).parent

ASSETS: Final = Assets(_HERE / "assets", PREFIX)
"""The console's own files, and those of others that it uses."""

VENDORED: Final = {
    "htmx": "vendor/htmx.org-4.0.1/htmx.min.js",
    "sizes": "vendor/open-props-1.7.23/sizes.min.css",
    "borders": "vendor/open-props-1.7.23/borders.min.css",
    "shadows": "vendor/open-props-1.7.23/shadows.min.css",
    "easings": "vendor/open-props-1.7.23/easings.min.css",
    "uplot": "vendor/uplot-1.6.32/uPlot.iife.min.js",
    "uplot_style": "vendor/uplot-1.6.32/uPlot.min.css",
}


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = ASSETS.address
    made.globals["vendored"] = VENDORED
    made.globals["words"] = words
    return made


_TEMPLATES: Final = _environment()


def render(template: str, context: Mapping[str, object]) -> str:
    """A template as HTML; everything that it inserts is escaped. An unknown name in it is a defect, and raised."""
    return _TEMPLATES.get_template(template).render(context)
