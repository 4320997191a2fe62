"""Cycloid's calls on API keys over REST, answered over our own use cases."""

from keywright.dialects.cycloid.door import door
from keywright.dialects.cycloid.errors import refuse
from keywright.dialects.cycloid.setup import SETUP
from keywright.web.mounts import Dialect

__all__ = ["DIALECT"]

DIALECT = Dialect(name="cycloid", title="Cycloid", door=door, refuse=refuse, setup=SETUP)
"""Cycloid."""
