"""The import of many keys at once: its shapes, and what they mean."""

from __future__ import annotations

from pydantic import Field

from keywright.api.rest.mapping import any_new_key
from keywright.api.rest.models import HASH, In, NewKeyIn, Out, told
from keywright.services.keys import MAX_IMPORTED, ImportedKey, KeyImport, KeyImported, Outcome


class ImportedKeyIn(NewKeyIn):
    """A key whose token is elsewhere already; all else is as in `KeyIn`."""

    token_hash: str = told(..., "The token's SHA-256, in hex.", pattern=HASH, examples=["0" * 64])


class KeyImportIn(In):
    """Keys to be imported, each judged by itself."""

    items: list[ImportedKeyIn] = told(..., minItems=1, maxItems=MAX_IMPORTED)
    dry_run: bool = told(False, "Judge them all, and make none.")  # noqa: FBT003 - the default


class KeyRefusalOut(Out):
    """Why one key of an import was refused: what creating it would have been refused with."""

    code: str
    detail: str
    field: str | None


class KeyOutcomeOut(Out):
    """What became of one key of an import."""

    outcome: str = Field(
        description="`created`, `present` (this token hash and name were there already) or `refused`."
    )
    id: str | None = Field(
        description="The key's id; null where it was refused, and in a dry run where it would be made."
    )
    refusal: KeyRefusalOut | None


class KeyImportOut(Out):
    """What became of the keys of an import, in their order, and how many of each outcome there are."""

    items: list[KeyOutcomeOut]
    created: int
    present: int
    refused: int
    dry_run: bool


def read(body: KeyImportIn) -> KeyImport:
    """What an import asks for."""
    return KeyImport(tuple(any_new_key(one, one.token_hash) for one in body.items), body.dry_run)


def shown(result: KeyImported) -> KeyImportOut:
    """What became of the keys of an import."""
    return KeyImportOut(
        items=[_outcome(one) for one in result.keys],
        created=result.count(Outcome.CREATED),
        present=result.count(Outcome.PRESENT),
        refused=result.count(Outcome.REFUSED),
        dry_run=result.dry_run,
    )


def _outcome(one: ImportedKey) -> KeyOutcomeOut:
    why = one.refusal
    refusal = None if why is None else KeyRefusalOut(code=why.code, detail=why.detail, field=why.field)
    return KeyOutcomeOut(outcome=one.outcome.value, id=one.id, refusal=refusal)
