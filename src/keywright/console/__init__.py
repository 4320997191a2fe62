"""The web console: server-rendered pages over the use cases, with the rights of whoever is logged in."""

from keywright.console.door import console_door, is_console

__all__ = ["console_door", "is_console"]
