"""The hot path: from a token to a decision, and the memory of what was used."""

from keywright.verify.usage import Use, UseLog
from keywright.verify.verifier import Verifier

__all__ = ["Use", "UseLog", "Verifier"]
