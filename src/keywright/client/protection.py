"""A guard with a verifier: what all frameworks share."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from keywright.client.background import Background
from keywright.client.bearers import Bearers
from keywright.client.errors import ConnectionFailed, TooManyAttempts, Unavailable, UnexpectedAnswer
from keywright.client.guard import Guard, Question, Refusal, Rule, Unnameable
from keywright.client.people import Admitted, admitted
from keywright.client.verdict import Verdict, from_answer, from_decision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from keywright.client.bearers import Bearer, Credential

log = logging.getLogger("keywright.client")
_NO_ANSWER: Final = (ConnectionFailed, Unavailable, UnexpectedAnswer, TooManyAttempts)
_AGAIN_SECONDS: Final = 1.0


class Verifies(Protocol):
    """What decides: `keywright.Verifier`, `Client` and `AsyncClient`, or anything like them.

    The answer, or what is awaited, is a `Verdict`, a `Decision` of the verifier, or the JSON object of `/v1/verify`.
    One that is awaited may also have `at_once`, with the same arguments: the answer if it can tell without waiting, in
    any thread, and None, with nothing counted, if not. Beside that it may have `bearer` as `keywright.Verifier` has it:
    what it gives is asked in its place when the token is shown again.
    """

    def verify(
        self,
        token: str,
        *,
        action: str | None = None,
        resource: str | None = None,
        ip: str | None = None,
        cost: int = 1,
    ) -> Any:  # noqa: ANN401 - see above
        """Decide about a token."""
        ...


class Refused(Exception):
    """A request is not let through; `refusal` is what to answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.code}")
        self.refusal = refusal


class Protection:
    """Keeps keys out that a verifier does not accept. What cannot be checked is not let through.

    `verifier` is one, or a function that makes one in each process, which an application needs that forks. `key_from`,
    `trusted_proxies` and `realm` are as for `Guard`.
    """

    def __init__(
        self,
        verifier: Verifies | Callable[[], Verifies],
        *,
        key_from: Callable[[Any], str | None] | None = None,
        trusted_proxies: Iterable[str] = (),
        realm: str = "keywright",
    ) -> None:
        self.guard = Guard(key_from=key_from, trusted_proxies=trusted_proxies, realm=realm)
        # A class makes verifiers too.
        self._is_shared = hasattr(verifier, "verify") and not isinstance(verifier, type)
        if self._is_shared:
            known = cast("Verifies", verifier)
            self._make: Callable[[], Verifies] = lambda: known
        else:
            self._make = cast("Callable[[], Verifies]", verifier)
        self._made: Verifies | None = None
        self._at_once: Callable[..., Any] | None = None
        self._bearer_of: Callable[..., Bearer | None] | None = None
        self._bearers = Bearers()
        self._reads_headers = key_from is None
        self.trusts_proxies = bool(self.guard.trusted)
        """Whether `X-Forwarded-For` has a part in where a request comes from."""
        self.recognizes = False
        """Whether it knows bearers again, by headers alone; then a `Credential` is of use to it."""
        self._awaits = False
        self._here: _Here | None = None
        self._opening = threading.Lock()
        self._not_before = 0.0
        os.register_at_fork(after_in_child=self._forked)

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Open the verifier while an async application runs: the `lifespan` of Starlette, FastAPI and Litestar."""
        async with AsyncExitStack() as stack:
            verifier = self._verifier()
            if hasattr(verifier, "__aenter__"):
                await stack.enter_async_context(verifier)  # type: ignore[arg-type] # it has what makes it one
            try:
                yield
            finally:
                self._made = None

    async def admit(
        self,
        rule: Rule,
        header: Callable[[str], str | None],
        peer: str | None,
        params: Mapping[str, Any],
        request: object,
        credential: Credential | None = None,
    ) -> Verdict:
        """The verdict about a request that may pass; raises `Refused` for any other. For async applications.

        Whoever is let in is known again by `credential`.
        """
        question = self.question(rule, header, peer, params, request)
        verifier = self._made or self._unopened()
        try:
            if self._at_once is not None:
                answer = ask(self._at_once, question)
                if answer is not None:
                    return self._met(question, answer, credential)
            if self._awaits:
                answer = await ask(verifier.verify, question)
            else:
                answer = await asyncio.to_thread(ask, verifier.verify, question)
        except _NO_ANSWER as error:
            raise self._unknown(error) from None
        return self._judged(answer)

    def known(
        self, rule: Rule, credential: Credential, params: Mapping[str, Any], request: object
    ) -> Admitted | None:
        """Whoever is known by a credential, if they may pass; None where it has to be read.

        For all applications. Raises `Refused`.
        """
        bearer = self._bearers.get(credential)
        if bearer is None:
            return None
        try:
            resource = rule.resource_of(params, request)
        except Unnameable:
            return None
        told = bearer.decide(rule.action, resource)
        if isinstance(told, Refusal):
            raise Refused(told)
        return told

    def question(
        self,
        rule: Rule,
        header: Callable[[str], str | None],
        peer: str | None,
        params: Mapping[str, Any],
        request: object,
    ) -> Question:
        """What is asked about a request; raises `Refused` where there is nothing to ask about."""
        question = self.guard.question(rule, header, peer, params, request)
        if isinstance(question, Refusal):
            raise Refused(question)
        return question

    def at_once(self, question: Question, credential: Credential | None = None) -> Verdict | None:
        """The answer to a question if it can be told without waiting, else None, with nothing counted.

        For applications that do not await, and for their event loops where they have some. Raises `Refused`. Whoever is
        let in is known again by `credential`.
        """
        here = self._here
        answer = here.at_once(question) if here is not None and here.is_open else None
        return None if answer is None else self._met(question, answer, credential)

    def waited_for(self, question: Question) -> Verdict:
        """The answer to a question, for whoever may wait. Raises `Refused`."""
        here = self._here
        if here is None or not here.is_open:
            here = self._opened()
        try:
            answer = here.ask(question)
        except _NO_ANSWER as error:
            raise self._unknown(error) from None
        return self._judged(answer)

    def close(self) -> None:
        """Close what requests opened; at the end of the process that happens by itself."""
        if self._here is not None:
            self._here.close()

    def _opened(self) -> _Here:
        """What decides in this process, opened by the first request. Raises `Refused` when it cannot be opened."""
        with self._opening:
            if self._here is not None and self._here.is_open:
                return self._here
            if self._here is not None and self._is_shared and not self._here.is_ours:
                raise RuntimeError(
                    "The verifier was in use before this process was forked. Give a function that makes one."
                )
            if time.monotonic() < self._not_before:
                raise Refused(self.guard.unknown())
            try:
                made = self._make()
                self._here = _Here(made)
            except Exception as error:
                # Requests that come meanwhile do not wait for the same failure one after another.
                self._not_before = time.monotonic() + _AGAIN_SECONDS
                log.exception("the verifier cannot be opened")
                raise Refused(self.guard.unknown()) from error
            self._recognize(made)
            return self._here

    def _forked(self) -> None:
        # Another thread of the parent may have held it at the moment of the fork, and is not here to let go.
        self._opening = threading.Lock()
        self._bearers = Bearers()
        self._not_before = 0.0

    def _unopened(self) -> Verifies:
        """One that was given open, or needs no opening."""
        verifier = self._verifier()
        if not self._is_shared and hasattr(verifier, "__aenter__"):
            self._made = None
            raise RuntimeError(
                "The verifier is not open. Give `lifespan` to the application, or enter it in its own."
            )
        return verifier

    def _verifier(self) -> Verifies:
        made = self._make()
        self._awaits = inspect.iscoroutinefunction(made.verify)
        self._at_once = _at_once_of(made)
        self._recognize(made)
        self._made = made
        return made

    def _recognize(self, verifier: Verifies) -> None:
        self._bearer_of = getattr(verifier, "bearer", None)
        self.recognizes = self._reads_headers and self._bearer_of is not None

    def _met(self, question: Question, answer: object, credential: Credential | None) -> Verdict:
        verdict = self._judged(answer)
        if credential is not None and self._bearer_of is not None:
            bearer = self._bearer_of(question.token, ip=question.ip, told=self._told)
            if bearer is not None:
                self._bearers.keep(credential, bearer)
        return verdict

    def _judged(self, answer: object) -> Verdict:
        verdict = verdict_of(answer)
        if verdict.valid:
            return verdict
        raise Refused(self._refusal(verdict))

    def _refusal(self, verdict: Verdict) -> Refusal:
        return self.guard.refusal(verdict) or self.guard.unknown()

    def _told(self, decision: Any) -> Admitted | Refusal:  # noqa: ANN401 - as of `Verifies`
        verdict = verdict_of(decision)
        return admitted(verdict, decision.action) if verdict.valid else self._refusal(verdict)

    def _unknown(self, error: Exception) -> Refused:
        log.warning("a key cannot be checked: %s", error)
        return Refused(self.guard.unknown())


class _Here:
    """A verifier in one process of an application that does not await."""

    def __init__(self, verifier: Verifies) -> None:
        self._verifier = verifier
        self._process = os.getpid()
        awaits = inspect.iscoroutinefunction(verifier.verify)
        self._background = Background(verifier) if awaits else None
        self._at_once = _at_once_of(verifier)

    @property
    def is_ours(self) -> bool:
        """Whether this process opened it."""
        return self._process == os.getpid()

    @property
    def is_open(self) -> bool:
        """Whether it can be asked. One that does not await can in any process."""
        return self._background is None or self._background.is_here

    def ask(self, question: Question) -> object:
        """The answer to a question."""
        if self._background is None:
            return ask(self._verifier.verify, question)
        return self._background.run(lambda verifier: ask(verifier.verify, question))

    def at_once(self, question: Question) -> object:
        """The answer to a question in this thread; None where it cannot be told without waiting."""
        return None if self._at_once is None else ask(self._at_once, question)

    def close(self) -> None:
        """Close it."""
        if self._background is not None:
            self._background.close()


def ask(verify: Callable[..., Any], question: Question) -> Any:  # noqa: ANN401 - an answer, or what gives one when it is awaited
    """Ask a verifier, by its `verify` or `at_once`."""
    token, action, resource, ip, cost = question
    if cost == 1:
        return verify(token, action=action, resource=resource, ip=ip)
    return verify(token, action=action, resource=resource, ip=ip, cost=cost)


def _at_once_of(verifier: Verifies) -> Callable[..., Any] | None:
    return getattr(verifier, "at_once", None)


def verdict_of(answer: object) -> Verdict:
    """A verdict of what a verifier answered. Raises TypeError for what is none: it is not taken for a yes."""
    if isinstance(answer, Verdict):
        return answer
    if hasattr(answer, "facts") and hasattr(answer, "code"):
        return from_decision(answer)
    if isinstance(answer, dict):
        return from_answer(answer)
    raise TypeError("A verifier answers with a verdict.")
