"""The catalog as a text to be changed: checked, compared with the one that stands, and applied."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from keywright.console.catalog.text import MAX_WHILE_TYPING, compared, typed
from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import page
from keywright.core.errors import (
    BadInput,
    BeyondOwnRights,
    CatalogChanged,
    InvalidCatalog,
    InvalidValue,
    NotFound,
)
from keywright.services.catalog import (
    CatalogDocument,
    NewCatalog,
    apply_catalog,
    diff_catalog,
    get_catalog,
)
from keywright.services.catalog.writing import as_yaml
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.catalog.text import Typed, Wrong
    from keywright.console.code import Code
    from keywright.services.catalog import CatalogDiff, CatalogView

EXAMPLE: Final = """\
# What your application knows, in its own words. Change it, and look at the difference before it is applied.
strict: true                     # what is not named here is refused
actions:
  - {name: "article:read", group: Articles, description: Read articles}
  - {name: "article:publish", group: Articles, description: Publish an article}
resource_types:
  - {name: article, description: What is read, segments: [language, number]}
entities:
  language:
    - {id: cs, label: Czech}
    - {id: en, label: English}
roles:
  editor:
    description: Writes in given languages
    variables: {language: {entity: language}}
    policies:
      - {actions: ["article:*"], resources: ["article:${language}:**"]}
key_templates:
  nightly:
    description: For exports at night
    scope: [{actions: ["article:read"]}]
    expires_in: 90d
"""
_MUTATION: Final = """
mutation ($input: ApplyCatalogInput!) {
  applyCatalog(input: $input) {
    catalog { revision }
    receipt { complete waitedMs nodes { id outcome } }
  }
}
"""


@page("/t/{tenant}/catalog/edit", needs="catalog:update")
async def edit(ask: Ask) -> Response:
    """The text of the catalog that stands; with `?example` that of an example."""
    view = await _view(ask)
    text = EXAMPLE if "example" in ask.query else _text(view)
    return _editor(ask, await typed(text), view.revision, checked=False)


@page("/t/{tenant}/catalog/check", needs="catalog:update", methods=("POST",))
async def check(ask: Ask) -> Response:
    """What is wrong with a text, while it is typed."""
    _tenant(ask)
    text = ask.form.raw("text")
    long = len(text) > MAX_WHILE_TYPING
    found = await typed("" if long else text)
    faults = found.faults
    if not long and text.strip() and not faults:
        faults = await _refused(ask, found)
    return ask.part("catalog/check.html", found=found, faults=faults, long=long, empty=not text.strip())


@page("/t/{tenant}/catalog/edit", needs="catalog:update", methods=("POST",))
async def review(ask: Ask) -> Response:
    """Look at a text: `check` it, see the `difference`, or go back to `edit` it."""
    view = await _view(ask)
    revision = _revision(ask)
    found = await typed(ask.form.raw("text"))
    step = ask.form.get("step")
    if step == "edit":
        return _editor(ask, found, revision, checked=False)
    if found.faults:
        return _editor(ask, found, revision, found.faults, 422)
    if revision != view.revision:
        return _conflict(ask, found, view, revision)
    try:
        diff = await ask.run(diff_catalog, CatalogDocument(_plain(found)))
    except InvalidCatalog as error:
        return _editor(ask, found, revision, found.located(error.faults), 422)
    if step == "check":
        return _editor(ask, found, revision)
    return _difference(ask, found, diff)


@page("/t/{tenant}/catalog/apply", needs="catalog:update", methods=("POST",))
async def apply(ask: Ask) -> Response:
    """Make a text the tenant's catalog."""
    _tenant(ask)
    revision = _revision(ask)
    found = await typed(ask.form.raw("text"))
    if found.faults:
        return _editor(ask, found, revision, found.faults, 422)
    try:
        made = await ask.change(apply_catalog, NewCatalog(_plain(found), revision))
    except CatalogChanged:
        return _conflict(ask, found, await _view(ask), revision)
    except InvalidCatalog as error:
        return _editor(ask, found, revision, found.located(error.faults), 422)
    except (BadInput, BeyondOwnRights) as error:
        return _editor(ask, found, revision, found.blamed(error), STATUS[type(error)])
    if not made.result.diff.changes:
        return ask.done(ask.at("catalog"), "It is the catalog that stands already. Nothing was changed.")
    done = f"Applied as revision {made.result.view.revision:,}."
    return ask.done(ask.at("catalog"), done, made.receipt, "In force")


def _tenant(ask: Ask) -> None:
    if ask.place is None or ask.place.tenant is None:
        raise NotFound("A catalog belongs to a tenant.")


async def _view(ask: Ask) -> CatalogView:
    _tenant(ask)
    return await ask.run(get_catalog, None)


def _text(view: CatalogView) -> str:
    """The text of the catalog that stands; empty while there is none."""
    document = {name: value for name, value in view.document.items() if name != "tenant"}
    return as_yaml(document) if document else ""


def _revision(ask: Ask) -> int:
    found = ask.form.number("revision")
    if found is None:
        raise InvalidValue("The form does not say which revision it began with. Open the page again.")
    return found


def _plain(found: Typed) -> Any:  # noqa: ANN401 - plain data
    assert found.document is not None  # noqa: S101 - only texts without faults get here
    return found.document.plain


async def _refused(ask: Ask, found: Typed) -> tuple[Wrong, ...]:
    """What stands against a text that has no faults in itself."""
    try:
        await ask.run(diff_catalog, CatalogDocument(_plain(found)))
    except InvalidCatalog as error:
        return found.located(error.faults)
    return ()


def _editor(
    ask: Ask,
    found: Typed,
    revision: int,
    faults: tuple[Wrong, ...] = (),
    status: int = 200,
    *,
    checked: bool = True,
) -> Response:
    return ask.page(
        "catalog/edit.html",
        status,
        found=found,
        faults=faults,
        checked=checked,
        long=False,
        empty=not found.text.strip(),
        revision=revision,
        errors=Errors(),
    )


def _difference(ask: Ask, found: Typed, diff: CatalogDiff) -> Response:
    return ask.page(
        "catalog/difference.html",
        found=found,
        diff=diff,
        sections=[(name, list(found)) for name, found in groupby(diff.changes, key=lambda one: one.section)],
        code=_code(ask, found, diff.revision) if len(found.text) <= MAX_WHILE_TYPING else None,
        told=ask.may("identities:read"),
    )


def _conflict(ask: Ask, found: Typed, view: CatalogView, revision: int) -> Response:
    standing = _text(view)
    return ask.page(
        "catalog/conflict.html",
        409,
        found=found,
        view=view,
        revision=revision,
        standing=standing,
        lines=compared(standing, found.text),
    )


def _code(ask: Ask, found: Typed, revision: int) -> Code:
    document = _plain(found)
    return ask.code(
        rest=Rest("PUT", "/v1/catalog", {"document": document, "expected_revision": revision}),
        graph=Graph(_MUTATION, {"input": {"document": document, "expectedRevision": revision}}),
        cli=["catalog", "apply", "catalog.yaml", "--yes", "--revision", str(revision)],
    )


PAGES = (edit, check, review, apply)
