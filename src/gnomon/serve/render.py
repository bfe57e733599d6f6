"""What answering and checking have in common: a renderer, streamed or taken whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

from starlette.types import Receive, Scope, Send

from gnomon.errors import GnomonError
from gnomon.serve.contract import Engine
from gnomon.serve.desk import Asked, Desk, HungUp, closing
from gnomon.serve.drawing import Hung
from gnomon.serve.http import ApiError, api_error, json_response
from gnomon.serve.sse import BEAT, BEAT_S
from gnomon.serve.structured import Filled
from gnomon.serve.talking import Decided
from gnomon.types import Digest, Finished, Verification
from gnomon.types.generation import Spent
from gnomon.types.skilled import Skilled

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Work(Protocol[T_co]):
    """A request, and what it has the engine do."""

    @property
    def stream(self) -> bool: ...

    def begin(self, engine: Engine) -> Iterator[T_co]: ...


class Renderer(Protocol[T_contra]):
    """Turns the engine's events into frames of one API. Does no I/O."""

    def begin(self) -> Iterator[bytes]: ...

    def event(self, event: T_contra) -> Iterator[bytes]:
        """Frames of one event. After the last (see ``is_last``) the stream is complete."""
        ...

    def failed(self, error: ApiError) -> Iterator[bytes]:
        """Frames that end a stream which has begun."""
        ...

    def whole(self) -> dict[str, Any]:
        """The object for a caller who does not stream; asked for after the last event."""
        ...


def is_last(event: object) -> bool:
    """Whether an event is the last one: an answer, calls or a form instead of one, the count after
    what a chat model wrote, a digest, what a skill made, all pictures, or a check that is whole."""
    if isinstance(event, Verification):
        return event.complete
    return isinstance(event, Finished | Filled | Decided | Spent | Digest | Skilled | Hung)


class Answering(Generic[T]):
    """An ASGI response: asks the engine and renders what it says.

    The first event is awaited before anything is sent, so that a question that cannot be used
    gets a proper status instead of a stream that breaks.
    """

    def __init__(self, desk: Desk, work: Work[T], renderer: Renderer[T]) -> None:
        self._desk = desk
        self._work = work
        self._renderer = renderer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._desk.ask(self._work.begin, receive) as asked:
            try:
                first = await next_of(asked, None)
                if self._work.stream:
                    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                    await self._stream(first, asked, send)
                    return
                for _ in self._renderer.begin():
                    pass
                event = first
                while True:
                    for _ in self._renderer.event(event):
                        pass
                    if is_last(event):
                        break
                    event = await next_of(asked, None)
            except HungUp:
                return
        await json_response(self._renderer.whole())(scope, receive, send)

    async def _stream(self, first: T, asked: Asked[T], send: Send) -> None:
        async def out(frames: Iterator[bytes]) -> None:
            if body := b"".join(frames):
                await send({"type": "http.response.body", "body": body, "more_body": True})

        await out(self._renderer.begin())
        event = first
        try:
            while True:
                await out(self._renderer.event(event))
                if is_last(event):
                    break
                while True:
                    try:
                        event = await next_of(asked, BEAT_S)
                        break
                    except TimeoutError:
                        await out(iter((BEAT,)))
        except (GnomonError, ApiError) as error:
            await out(self._renderer.failed(api_error(error)))
        except HungUp:
            raise
        except Exception:
            await out(self._renderer.failed(our_fault()))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def next_of(asked: Asked[T], timeout_s: float | None = None) -> T:
    """The next event of the engine; one that ended without its last event was stopped by the
    server's closing (ApiError 503)."""
    event = await asked.next(timeout_s)
    if event is None:
        raise closing()
    return event


def our_fault() -> ApiError:
    """What a stream that has begun says of a fault of ours."""
    return ApiError(500, "gnomon failed; its log says where.", type="server_error", code="internal")
