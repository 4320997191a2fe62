"""Prefect Cloud 1: its calls for API keys, service accounts and agents; `docs/dialects/prefect.md` tells of them."""

from typing import Final

from keywright.dialects.prefect.door import door
from keywright.dialects.prefect.errors import refuse
from keywright.dialects.prefect.setup import SETUP
from keywright.web.mounts import Dialect

DIALECT: Final = Dialect(name="prefect", title="Prefect Cloud 1", door=door, refuse=refuse, setup=SETUP)
