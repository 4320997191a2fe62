"""Receipts in the answers of REST: that a change is true on every node."""

from functools import cache

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, create_model

from keywright.api.rest.models import Moment, Out, QueryBoolean
from keywright.core.changes import Receipt

_ABOUT = "That what the answer says is true on every node."


class Waiting(BaseModel):
    """The query string of a change that nodes may have to hear of."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    wait: QueryBoolean = Query(
        True,  # noqa: FBT003 - the default
        description="False answers at once, and the receipt says by when the change is true on every node.",
    )


class NodeReceiptOut(Out):
    """One node, and how it is known that it no longer answers by what was true before."""

    id: str
    outcome: str = Field(
        description="`acknowledged`: it said so; `expired`: its lease ran out; `pending`: neither is known yet."
    )


class ReceiptOut(Out):
    """That a change is true on every node."""

    epoch: int = Field(
        description="The number of the change; `/v1/nodes` says which one each node has applied."
    )
    complete: bool = Field(description="False only with `wait=false`, while a node may not know of it.")
    waited_ms: int
    nodes: list[NodeReceiptOut]
    effective_by: Moment | None = Field(
        description="Where it is not complete, the time by which it is true whatever becomes of any node."
    )


class RevokedOut(Out):
    """What was deleted or taken away is refused on every node."""

    receipt: ReceiptOut = Field(description=_ABOUT)


def shown_receipt(receipt: Receipt) -> ReceiptOut:
    """A receipt."""
    return ReceiptOut(
        epoch=receipt.epoch,
        complete=receipt.complete,
        waited_ms=receipt.waited_ms,
        nodes=[NodeReceiptOut(id=one.id, outcome=one.outcome.value) for one in receipt.nodes],
        effective_by=receipt.effective_by,
    )


@cache
def with_receipt(model: type[BaseModel] | None) -> type[BaseModel]:
    """The answer that a change gives: what it would be without, and the receipt beside."""
    if model is None:
        return RevokedOut
    return create_model(
        f"Changed{model.__name__}",
        __base__=model,
        __doc__=model.__doc__,
        receipt=(ReceiptOut, Field(description=_ABOUT)),
    )


def receipted(model: type[BaseModel], shown: BaseModel | None, receipt: Receipt | None) -> BaseModel:
    """An answer with its receipt; `model` is what `with_receipt` gave."""
    assert receipt is not None  # noqa: S101 - a use case that touches has one
    fields = {} if shown is None else {name: getattr(shown, name) for name in type(shown).model_fields}
    return model(**fields, receipt=shown_receipt(receipt))
