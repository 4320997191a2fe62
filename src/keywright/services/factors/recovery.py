"""Recovery codes: ten at a time, each good for one login when the device is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.audit import Change
from keywright.core.errors import NotFound
from keywright.core.sessions import RECOVERY_CODE
from keywright.services.factors import codes
from keywright.services.factors.own import own_person
from keywright.services.factors.showing import standing
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.core.hidden import Hidden
    from keywright.services.work import Work


@dataclass(frozen=True, slots=True)
class NewRecoveryCodes:
    """Ten recovery codes; shown this once."""

    recovery_codes: tuple[Hidden, ...]


@use_case("factors.recovery_codes.renew", permission=None, reach=Reach.SELF, changes=True, fresh=True)
async def renew_recovery_codes(work: Work, _nothing: None) -> NewRecoveryCodes:
    """Make ten new recovery codes; those made before are good for nothing from then on.

    Raises `NotFound` for who has no second factor that they could stand in for.
    """
    person = await own_person(work)
    if not (await standing(work.transaction, person.identity.id)).accepted:
        raise NotFound("There is no second factor that recovery codes could stand in for.")
    made = await give(work, person.identity.id)
    work.record(
        "factor.renew",
        "identity",
        person.identity.id,
        {"factor": Change(RECOVERY_CODE, RECOVERY_CODE)},
    )
    return NewRecoveryCodes(made)


async def give(work: Work, identity_id: str) -> tuple[Hidden, ...]:
    """New recovery codes in place of all there were."""
    made = codes.new_recovery_codes()
    digests = [codes.recovery_digest(one.reveal()) for one in made]
    await work.transaction.recovery_codes.replace(identity_id, digests, work.now)
    return made


async def take_if_last(work: Work, identity_id: str) -> None:
    """Take the recovery codes of who has no second factor any more."""
    if not (await standing(work.transaction, identity_id)).accepted:
        await work.transaction.recovery_codes.replace(identity_id, (), work.now)
