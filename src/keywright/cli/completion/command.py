"""`keywright completion`."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import click

from keywright.cli.common import Command

# A line with \b alone has click keep the lines up to the next empty one as they are.
_HELP: Final = """\
Print the script that completes commands in a shell.

Where to put it, once; bash from 3.2 on, zsh, and fish from 3.1 on:

\b
bash  keywright completion bash >
    ~/.local/share/bash-completion/
    completions/keywright
\b
zsh   keywright completion zsh >
    "${fpath[1]}/_keywright"
\b
fish  keywright completion fish >
    ~/.config/fish/completions/
    keywright.fish

For one shell alone, or in ~/.bashrc, or in ~/.zshrc behind compinit: eval "$(keywright completion bash)", or zsh.

Names of what is on the server are looked up with the credential that the line itself would use, for a second at
the most.
"""


@click.command("completion", cls=Command, common=(), help=_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script of this package."""
    script = files("keywright.cli.completion") / f"keywright.{shell}"
    click.echo(script.read_text("utf-8"), nl=False)
