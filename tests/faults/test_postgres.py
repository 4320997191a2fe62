"""Nodes on PostgreSQL: frozen, killed, cut off, with shifted clocks, and their database restarted under them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.faults.trial import LEASE, ROUNDS, SEED, Trial
from tests.support.cluster import postgres_cluster
from tests.support.faults import ON_CLOCKS, ON_NODES, ON_POSTGRES, ON_WIRES, shuffled
from tests.support.gates import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mortal_postgres import MortalPostgres

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("faults-1")]


async def test_no_revoked_key_is_accepted_whatever_happens_to_nodes_wires_database_and_clocks(
    tmp_path: Path, mortal: MortalPostgres
) -> None:
    schedule = shuffled(ON_NODES + ON_POSTGRES + ON_WIRES, random.Random(SEED), ROUNDS)
    timeless = tuple(kind for kind in KINDS if not kind.by_clock)
    async with postgres_cluster(tmp_path, mortal, size=3, lease=LEASE) as cluster:
        found = await Trial(cluster, SEED).run(schedule)
        shifted = await Trial(cluster, SEED, timeless).run(ON_CLOCKS * ROUNDS)
    found.assert_sound()
    shifted.assert_sound()
