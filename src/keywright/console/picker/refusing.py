"""An error in policies, said beside what was picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.picker.summary import policy_in_words
from keywright.core.errors import BeyondOwnRights

if TYPE_CHECKING:
    from keywright.console.asking import Ask
    from keywright.console.forms import Errors
    from keywright.console.picker.lexicon import Lexicon
    from keywright.console.picker.pick import Pick
    from keywright.core.errors import KeywrightError


def refused_scope(
    ask: Ask, error: KeywrightError, pick: Pick, lexicon: Lexicon, *fields: str, field: str = "scope"
) -> Errors:
    """As `ask.refused`, with what is wrong with policies under `field`, and under `pick.ACTION` or `pick.hand.0`.

    What is beyond one's own rights is named in words.
    """
    errors = ask.refused(error, field, *fields)
    if field not in errors.fields:
        return errors
    if isinstance(error, BeyondOwnRights) and error.policy is not None:
        errors.fields[field] = (
            f"You do not hold this yourself, so you cannot hand it out: {policy_in_words(lexicon, error.policy)}."
        )
    spot = pick.spot(error.field)
    if spot is not None:
        errors.fields[f"pick.{spot}"] = errors.fields[field]
    return errors
