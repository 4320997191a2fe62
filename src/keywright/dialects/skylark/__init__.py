"""Skylark's API for API keys, at `/dialects/skylark/graphql`."""

from keywright.dialects.skylark.door import SkylarkDoor
from keywright.dialects.skylark.errors import refuse
from keywright.dialects.skylark.setup import SETUP
from keywright.web.mounts import Dialect

DIALECT = Dialect(name="skylark", title="Skylark", door=SkylarkDoor, refuse=refuse, setup=SETUP)

__all__ = ["DIALECT"]
