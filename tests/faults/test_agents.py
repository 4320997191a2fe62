"""Agents beside servers: frozen, killed, cut off, and their servers killed and frozen under them."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.trial import LEASE, ROUNDS, SEED, Trial
from tests.support.cluster import LONG_SECONDS, agents_beside, postgres_cluster, sqlite_cluster
from tests.support.faults import ON_AGENTS, agent_freezes, long_silence_of_an_agent, shuffled
from tests.support.gates import KINDS, KeyScope, KeySwitch, OwnerSwitch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mortal_postgres import MortalPostgres

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("faults-3")]


async def test_no_agent_accepts_a_revoked_key_whatever_happens_to_it_its_wire_and_its_server(
    tmp_path: Path, mortal: MortalPostgres
) -> None:
    schedule = shuffled(ON_AGENTS, random.Random(SEED), ROUNDS)
    kinds = tuple(kind for kind in KINDS if not kind.by_clock)
    async with (
        postgres_cluster(tmp_path, mortal, size=3, lease=LEASE) as cluster,
        agents_beside(cluster, tmp_path, count=2),
    ):
        trial = Trial(cluster, SEED, kinds)
        found = await trial.run(schedule)
    found.assert_sound()
    decided = {name for (name, code), _ in trial.load.verdicts.items() if code == "VALID"}
    assert {"agent-1", "agent-2"} <= decided


@pytest.mark.parametrize("without", ["a lease", "dropping", "looking again"])
async def test_a_part_that_is_taken_out_of_an_agent_is_found(tmp_path: Path, without: str) -> None:
    fault = long_silence_of_an_agent if without == "a lease" else agent_freezes
    async with (
        sqlite_cluster(tmp_path, size=1, lease=LEASE) as cluster,
        agents_beside(cluster, tmp_path, count=1, without=without),
    ):
        trial = Trial(cluster, SEED, (KeySwitch, KeyScope, OwnerSwitch), keepers=2)
        deadline = time.monotonic() + LONG_SECONDS
        while not (await trial.run([fault])).violations:
            assert time.monotonic() < deadline, "nothing was found"
