"""One track's pictures or sound, taken straight from LiveKit's native library.

LiveKit's own streams hand each piece through two queues and two tasks, and the first queue has no bound: a loop that
stands still for two seconds at 1080p30 finds 184 MB of pictures when it wakes. Here what waits is bounded, and a piece
costs one call on the loop.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle
from livekit.rtc._proto import ffi_pb2

log = logging.getLogger("kiosk.link")

CLOSE_TIMEOUT_S = 2.0


class StreamTap[Piece](ABC):
    """Keeps the newest pieces until the loop that was running when it was made comes for them; `aclose` it there.

    The library calls from threads of its own. The loop is told once, however many pieces come before it finds the time.
    No lock is taken there: the library holds one of its own, and finalizers that the garbage collector runs in the
    middle of anything ask for that one.
    """

    def __init__(self, track: rtc.Track, kind: str, capacity: int) -> None:
        """`kind`: the event that the library sends for each piece. `capacity`: pieces that may wait."""
        self._track = track  # nothing comes of a track that nobody holds
        self._kind = kind
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Piece] = deque(maxlen=capacity)
        self._told = False
        self._closed = False
        self._ended = asyncio.Event()
        self._stream: FfiHandle | None = None
        self._events: deque[Any] = deque()  # that came before the stream's number was known
        # All is done while events are sorted, and none is ever let through: so the library's queue stays empty.
        self._queue = FfiClient.instance.queue.subscribe(self._loop, filter_fn=self._catch)

    def _open(self, request: ffi_pb2.FfiRequest) -> None:
        """At the end of the subclass's `__init__`: from here on pieces come."""
        response = FfiClient.instance.request(request)
        self._stream = FfiHandle(getattr(response, response.WhichOneof("message") or "").stream.handle.id)
        self._sort(self._stream)

    async def aclose(self) -> None:
        """Waits until the library says that nothing comes any more, for `CLOSE_TIMEOUT_S` at most.

        Idempotent, and to be called again where an earlier call was cancelled.
        """
        self._closed = True
        self._waiting.clear()
        if self._stream is not None:
            self._stream.dispose()
        try:
            await asyncio.wait_for(self._ended.wait(), CLOSE_TIMEOUT_S)
        except TimeoutError:
            log.warning("a media stream did not close in time")
            self._end()

    @abstractmethod
    def _piece(self, received: Any) -> Piece:
        """What the library sent, which owns native memory: take it over or give it back. On the library's thread."""

    @abstractmethod
    def _hand_over(self, piece: Piece) -> None:
        """On the loop."""

    def _catch(self, event: ffi_pb2.FfiEvent) -> bool:
        if event.WhichOneof("message") == self._kind:
            self._events.append(getattr(event, self._kind))
            if self._stream is not None:
                self._sort(self._stream)
        return False

    def _sort(self, stream: FfiHandle) -> None:
        while self._events:
            try:
                event = self._events.popleft()
            except IndexError:  # another thread was quicker
                return
            if event.stream_handle != stream.handle:
                continue
            if event.HasField("frame_received"):
                self._keep(self._piece(event.frame_received))
            elif event.HasField("eos"):
                self._loop.call_soon_threadsafe(self._end)

    def _keep(self, piece: Piece) -> None:
        if self._closed:
            return
        self._waiting.append(piece)
        if not self._told:
            self._told = True
            self._loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        self._told = False  # before the look: for what comes in between there is another call
        while self._waiting and not self._closed:
            self._hand_over(self._waiting.popleft())

    def _end(self) -> None:
        """On the loop: nothing comes any more. Whoever waits may have given up before."""
        self._ended.set()
        FfiClient.instance.queue.unsubscribe(self._queue)
