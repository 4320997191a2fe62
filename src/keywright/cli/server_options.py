"""The flags of the commands that work on a database, one for each setting, and the settings they lead to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import offers
from keywright.cli.exits import Exit, Failed
from keywright.settings import SETTINGS, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keywright.settings import Setting, Settings


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command a flag for each setting, and `--config` for the file."""
    for setting in reversed(SETTINGS):
        command = _option(setting)(command)
    return click.option(
        "--config",
        metavar="PATH",
        help="Settings file. [KEYWRIGHT_CONFIG; default: keywright.toml, if there is one]",
        shell_complete=offers.files,
    )(command)


def _option(setting: Setting) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    about = f"{setting.help} It is {setting.allowed}. [{setting.env}; default: {setting.default}]"
    return click.option(setting.flag, setting.name, metavar="VALUE", help=about.replace("`", ""))


def settings_from(flags: Mapping[str, Any]) -> Settings:
    """The settings in effect; raises `Failed` with one sentence for what is not allowed."""
    try:
        return load(flags, os.environ, Path.cwd())
    except SettingsError as error:
        raise Failed(str(error), Exit.USAGE) from None
