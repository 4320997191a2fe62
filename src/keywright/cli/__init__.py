"""The command line: `keywright serve` and the commands that ask a running server.

Importing this package loads neither the server nor the client's libraries; each command loads what it needs.
"""

from keywright.cli.root import main

__all__ = ["main"]
