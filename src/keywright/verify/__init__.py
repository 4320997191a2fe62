"""The hot path: from a token to a decision, the lease under which memory counts, and what was used."""

from keywright.core.usage import Use
from keywright.verify.bearers import Bearer
from keywright.verify.credits import CreditSpender
from keywright.verify.glances import Glances
from keywright.verify.memory import Memory
from keywright.verify.node import Label, Node, Terms
from keywright.verify.recall import Recall
from keywright.verify.strangers import Strangers
from keywright.verify.usage import Tally, UseLog
from keywright.verify.verifier import Verifier

__all__ = [
    "Bearer",
    "CreditSpender",
    "Glances",
    "Label",
    "Memory",
    "Node",
    "Recall",
    "Strangers",
    "Tally",
    "Terms",
    "Use",
    "UseLog",
    "Verifier",
]
