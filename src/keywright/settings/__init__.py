"""The settings of a server: one frozen object, read once and checked before anything starts.

`Settings` declares each setting once: its default, what it is for, what is allowed and how it is read. The
sources that `load` reads and the reference in ``docs/settings.md`` follow from that.
"""

from keywright.settings.model import SETTINGS, Setting, Settings, reference_table
from keywright.settings.rules import Network, Secret
from keywright.settings.sign_on import GroupRole
from keywright.settings.sources import SettingsError, load

__all__ = [
    "SETTINGS",
    "GroupRole",
    "Network",
    "Secret",
    "Setting",
    "Settings",
    "SettingsError",
    "load",
    "reference_table",
]
