"""CloudTower: API keys where a second factor rules out logging in by password."""

from typing import Final

from keywright.dialects.cloudtower.door import door
from keywright.dialects.cloudtower.errors import refuse
from keywright.dialects.cloudtower.setup import SETUP
from keywright.web.mounts import Dialect

DIALECT: Final = Dialect(name="cloudtower", title="CloudTower", door=door, refuse=refuse, setup=SETUP)
