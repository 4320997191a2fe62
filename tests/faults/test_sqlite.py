"""Nodes that share a SQLite file: frozen, killed and restarted, with shifted clocks."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.faults.trial import LEASE, ROUNDS, SEED, Trial
from tests.support.cluster import sqlite_cluster
from tests.support.faults import ON_CLOCKS, ON_NODES, shuffled
from tests.support.gates import KINDS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("faults-1")]


async def test_no_revoked_key_is_accepted_whatever_happens_to_nodes_and_clocks(tmp_path: Path) -> None:
    kinds = tuple(kind for kind in KINDS if not kind.by_clock)
    schedule = shuffled(ON_NODES + ON_CLOCKS, random.Random(SEED), ROUNDS)
    async with sqlite_cluster(tmp_path, size=3, lease=LEASE) as cluster:
        found = await Trial(cluster, SEED, kinds).run(schedule)
    found.assert_sound()
