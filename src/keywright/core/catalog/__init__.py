"""The catalog: what a tenant's own actions, resources, entities, roles, key templates and routes are.

`model` says what a catalog is and how it is written, `parsing` reads one and finds every fault, `differences`
compares two, and `vocabulary` refuses what a strict one does not know.
"""

from keywright.core.catalog.differences import Difference, Kind, diff, lost
from keywright.core.catalog.model import (
    EMPTY,
    Action,
    Applied,
    Catalog,
    Entity,
    EntityType,
    KeyTemplate,
    ResourceType,
    canonical,
    role_plain,
    to_plain,
)
from keywright.core.catalog.parsing import parse
from keywright.core.catalog.spots import DUPLICATE, MAX_FAULTS
from keywright.core.catalog.vocabulary import LENIENT, Vocabulary

__all__ = [
    "DUPLICATE",
    "EMPTY",
    "LENIENT",
    "MAX_FAULTS",
    "Action",
    "Applied",
    "Catalog",
    "Difference",
    "Entity",
    "EntityType",
    "KeyTemplate",
    "Kind",
    "ResourceType",
    "Vocabulary",
    "canonical",
    "diff",
    "lost",
    "parse",
    "role_plain",
    "to_plain",
]
