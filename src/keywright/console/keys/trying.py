"""Try a decision: what would be answered if this key were used for something now, and why, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.core.codes import Code
from keywright.core.errors import KeywrightError
from keywright.services.keys import KeyQuestion, explain_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.console.code import Code as ShownCode
    from keywright.console.forms import Form
    from keywright.console.keys.subject import Subject
    from keywright.core.decision import Decision
    from keywright.core.permissions import Policy

FIELDS: Final = ("action", "resource", "ip", "tenant")
_DOCUMENT: Final = """
query ($input: ExplainApiKeyInput!) {
  explainApiKey(input: $input) {
    valid code explanation { check detail policy { actions resources } source }
  }
}
"""
_BY_CODE: Final[Mapping[Code, str]] = {
    Code.DISABLED: "Somebody disabled the key. Until it is enabled again it is refused, whatever is asked.",
    Code.EXPIRED: "The key has ended. A later expiry lets it be used again.",
    Code.NOT_YET_VALID: "The key begins later. Until then whoever holds it is refused.",
    Code.IDENTITY_DISABLED: "Its owner is disabled, and with it every key that speaks for it.",
    Code.TENANT_DISABLED: "The tenant is disabled, and every key in it is refused.",
    Code.TENANT_MISMATCH: "The key is not of the tenant that was asked about.",
    Code.IP_NOT_ALLOWED: "The key is confined to some addresses, and this one is not among them, or none was told.",
}
_BY_CHECK: Final[Mapping[str, str]] = {
    "scope": "Its owner may do this, and the key's scope leaves it out.",
    "identity": "No role of its owner allows this, so the key cannot either.",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would change the answer, and where."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in words. `policy` is the one that allowed, or that came nearest."""

    valid: bool
    code: str
    sentence: str
    policy: Policy | None
    source: str | None
    remedy: Remedy | None
    shown: ShownCode


@dataclass(frozen=True, slots=True)
class Trial:
    """What was typed, what is wrong with it, and what was answered; None while nothing was asked."""

    typed: Mapping[str, str]
    errors: Errors
    answer: Answer | None


def was_asked(query: Form) -> bool:
    """Whether an address asks for a decision."""
    return "action" in query


async def tried(subject: Subject) -> Trial:
    """Ask what the page's address asks. Raises what a form cannot say."""
    ask = subject.ask
    typed = {name: ask.query.get(name) for name in FIELDS}
    question = {name: value for name, value in typed.items() if value}
    try:
        decision = await ask.run(
            explain_key,
            KeyQuestion(
                id=subject.key.id,
                action=question.get("action"),
                resource=question.get("resource"),
                ip=question.get("ip"),
                where=question.get("tenant"),
            ),
        )
    except KeywrightError as error:
        return Trial(typed, ask.refused(error, *FIELDS), None)
    return Trial(typed, Errors(), _answer(subject, decision, question))


def untried(subject: Subject) -> Trial:
    """The form while nothing was asked."""
    return Trial({name: subject.ask.query.get(name) for name in FIELDS}, Errors(), None)


def _answer(subject: Subject, decision: Decision, question: Mapping[str, str]) -> Answer:
    explanation = decision.explanation
    assert explanation is not None  # noqa: S101 - a key that is named by its id is explained always
    sentence = _BY_CODE.get(decision.code) or _BY_CHECK.get(explanation.check) or explanation.sentence
    if decision.valid and "action" not in question:
        sentence = "The key is valid now. No action was asked about."
    policy, remedy = explanation.policy, None
    if not decision.valid:
        remedy = _remedy(subject, decision.code, explanation.check)
    if not decision.valid and policy is not None and _is_elsewhere(policy, question):
        sentence, remedy = "It may do this on some things, and not on everything. Say on what.", None
    return Answer(
        valid=decision.valid,
        code=decision.code.value,
        sentence=sentence,
        policy=policy,
        source=explanation.source,
        remedy=remedy,
        shown=_code(subject, question),
    )


def _is_elsewhere(policy: Policy, question: Mapping[str, str]) -> bool:
    """Whether nothing was named on which an action is to be done that a policy has for some things."""
    return "resource" not in question and policy.names(question.get("action", ""))


def _remedy(subject: Subject, code: Code, check: str) -> Remedy | None:
    """Where the reader can change what stands in the way; None where they cannot."""
    if code in (Code.IDENTITY_DISABLED, Code.INSUFFICIENT_PERMISSIONS) and check in ("identity", "variable"):
        path = subject.owner_path
        return None if path is None else Remedy("Look at its owner's roles", path)
    if not subject.may("keys:update"):
        return None
    if check == "scope":
        return Remedy("Widen the key's scope", subject.at("edit", "scope"))
    return {
        Code.DISABLED: Remedy("Enable the key", subject.at("enable")),
        Code.EXPIRED: Remedy("Give it a later end", subject.at("edit", "dates")),
        Code.NOT_YET_VALID: Remedy("Let it begin earlier", subject.at("edit", "dates")),
        Code.IP_NOT_ALLOWED: Remedy("Change its addresses", subject.at("edit", "addresses")),
    }.get(code)


def _code(subject: Subject, question: Mapping[str, str]) -> ShownCode:
    key_id = subject.key.id
    options = {"action": "--action", "resource": "--resource", "ip": "--ip", "tenant": "--where"}
    given = [word for name, value in question.items() for word in (options[name], value)]
    return subject.ask.code(
        rest=Rest("POST", f"/v1/keys/{key_id}/explain", dict(question)),
        graph=Graph(_DOCUMENT, {"input": {"id": key_id, **question}}),
        cli=["explain", "--key", key_id, *given],
    )
