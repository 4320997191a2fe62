"""How calls of the API are described: once, for clients that wait for an answer and for those that await it.

A method of a resource says what is sent and how the answer is read, and sends nothing itself:

    class Things(Resource[S]):
        @call
        def get(self, thing_id: str) -> Call[Json]:
            return Call("GET", path_of("/v1/things", thing_id), retry=True)

On a `Client` this method gives the answer, and on an `AsyncClient` something that can be awaited.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from keywright.client.values import Json, Page

P = ParamSpec("P")
T = TypeVar("T")


def whole(answer: Json) -> Any:  # noqa: ANN401 - stands for any reading that takes the answer as it is
    """The answer as it is."""
    return answer


def nothing(_answer: Json) -> None:
    """Nothing, for answers that say no more than that they came."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its answer is read.

    `retry` is for requests that may be sent twice. It is sent without the credential when `anonymous`, and without
    naming a tenant when `no_tenant`. `quick` is for those few that must be as fast as can be. What was sent may be a
    secret, and is not shown.
    """

    method: str
    path: str
    read: Callable[[Json], T] = whole
    query: Mapping[str, Any] | None = None
    body: object = field(default=None, repr=False)
    headers: Mapping[str, str] | None = None
    retry: bool = False
    anonymous: bool = False
    no_tenant: bool = False
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is read page by page. `page` describes the request for the page at a cursor, None for the first."""

    page: Callable[[str | None], Call[Page]]


@dataclass(frozen=True, slots=True)
class Stream:
    """A request whose answer has one JSON object on each line."""

    path: str
    query: Mapping[str, Any]


class Waiting(Protocol):
    """Sends what is described, and waits for the answer."""

    def send(self, call: Call[T]) -> T:
        """The answer; raises a `ClientError`."""
        ...

    def each(self, listing: Listing) -> Iterator[Json]:
        """The items of a whole list; further pages are asked for as they are needed."""
        ...

    def lines(self, stream: Stream) -> Iterator[Json]:
        """The objects of a stream, as they come."""
        ...


class Awaiting(Protocol):
    """Sends what is described, and gives what can be awaited."""

    def send(self, call: Call[T]) -> Awaitable[T]:
        """The answer; raises a `ClientError`."""
        ...

    def each(self, listing: Listing) -> AsyncIterator[Json]:
        """The items of a whole list; further pages are asked for as they are needed."""
        ...

    def lines(self, stream: Stream) -> AsyncIterator[Json]:
        """The objects of a stream, as they come."""
        ...


S = TypeVar("S", bound=Waiting | Awaiting)
"""Which kind of client a resource belongs to."""


class Described(Generic[S]):
    """What has described calls: the server's address for errors, and the way in which calls are sent."""

    def __init__(self, url: str, sender: S) -> None:
        self._url = url
        self._sender = sender


class _Method:
    """A described method; looked up on a resource, it sends what it describes."""

    _how: str

    def __init__(self, describe: Callable[..., Any]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    def _bound(self, instance: Any) -> Any:  # noqa: ANN401 - each kind of method gives its own types
        if instance is None:
            return self._describe
        # `Client` and `AsyncClient` differ in this alone.
        send = getattr(instance._sender, self._how)  # noqa: SLF001 - of the resource that it is a method of

        def method(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - as above
            return send(self._describe(instance, *args, **more))

        return update_wrapper(method, self._describe)


class call(_Method, Generic[P, T]):  # noqa: N801 - used as a decorator
    """Makes a method of the description of one call."""

    _how = "send"

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T]]) -> None:
        super().__init__(describe)

    @overload
    def __get__(self, instance: Described[Waiting], owner: object) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Described[Awaiting], owner: object) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, instance: Any, owner: object) -> Any:
        """The method of a client's resource."""
        return self._bound(instance)


class listing(_Method, Generic[P]):  # noqa: N801 - used as a decorator
    """Makes an iterator over a whole list of the description of its pages."""

    _how = "each"

    def __init__(self, describe: Callable[Concatenate[Any, P], Listing]) -> None:
        super().__init__(describe)

    @overload
    def __get__(self, instance: Described[Waiting], owner: object) -> Callable[P, Iterator[Json]]: ...
    @overload
    def __get__(self, instance: Described[Awaiting], owner: object) -> Callable[P, AsyncIterator[Json]]: ...
    def __get__(self, instance: Any, owner: object) -> Any:
        """The method of a client's resource."""
        return self._bound(instance)


class stream(_Method, Generic[P]):  # noqa: N801 - used as a decorator
    """Makes an iterator of the description of a stream."""

    _how = "lines"

    def __init__(self, describe: Callable[Concatenate[Any, P], Stream]) -> None:
        super().__init__(describe)

    @overload
    def __get__(self, instance: Described[Waiting], owner: object) -> Callable[P, Iterator[Json]]: ...
    @overload
    def __get__(self, instance: Described[Awaiting], owner: object) -> Callable[P, AsyncIterator[Json]]: ...
    def __get__(self, instance: Any, owner: object) -> Any:
        """The method of a client's resource."""
        return self._bound(instance)
