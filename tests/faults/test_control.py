"""The fault tests can fail: with a part of the guarantee taken out of the nodes, violations are found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.trial import LEASE, SEED, Trial
from tests.support.cluster import LONG_SECONDS, postgres_cluster, sqlite_cluster
from tests.support.faults import Fault, long_freeze, long_silence, short_freeze, slow
from tests.support.gates import KeyScope, KeySwitch, OwnerSwitch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cluster import Cluster
    from tests.support.mortal_postgres import MortalPostgres

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("faults-2")]


async def until_violated(cluster: Cluster, *faults: Fault) -> None:
    """Try again and again, for as long as one waits for what ought to happen at once."""
    trial = Trial(cluster, SEED, (KeySwitch, KeyScope, OwnerSwitch), keepers=2)
    deadline = time.monotonic() + LONG_SECONDS
    while not (await trial.run(faults)).violations:
        assert time.monotonic() < deadline, "nothing was found"


@pytest.mark.parametrize(
    ("without", "fault"),
    [("waiting", slow), ("dropping", slow), ("a lease", long_silence)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
async def test_on_postgres(tmp_path: Path, mortal: MortalPostgres, without: str, fault: Fault) -> None:
    async with postgres_cluster(tmp_path, mortal, size=2, lease=LEASE, without=without) as cluster:
        await until_violated(cluster, fault)


@pytest.mark.parametrize(
    ("without", "fault"),
    [("a lease", long_freeze), ("looking again", short_freeze)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
async def test_on_sqlite(tmp_path: Path, without: str, fault: Fault) -> None:
    async with sqlite_cluster(tmp_path, size=2, lease=LEASE, without=without) as cluster:
        await until_violated(cluster, fault)
