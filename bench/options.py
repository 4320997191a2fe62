"""What a run may be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how much. `keys` is the size of the larger table in `large`."""

    seconds: int
    rounds: int
    connections: int
    keys: int
    quick: bool

    def __str__(self) -> str:
        """As it stands below the results."""
        quick = "quick, " if self.quick else ""
        return (
            f"{quick}{self.rounds} rounds of {self.seconds} s, {self.connections} connections, "
            f"{self.keys:,} keys in the large table"
        )

    def few(self, full: int) -> int:
        """A number of repetitions: a tenth of them in a quick run, but three at least."""
        return max(3, full // 10) if self.quick else full
