"""One ingest socket: opened once, read and written by a task each, closed in bounded time. Runs on the media loop.

Sound that the far side does not take in time is thrown away, oldest first, and never sent in a burst afterwards: little
waits here (200 ms), little in the library's buffer, and the kernel is told to keep little.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import certifi
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from kiosk.links import ingest_losses, ingest_protocol
from kiosk.links.contract import LinkError, Lost

log = logging.getLogger("kiosk.link")
# At its DEBUG level the library writes out the address, and that is the key of the session.
_quiet = logging.getLogger("kiosk.link.socket")
_quiet.setLevel(logging.WARNING)

MAX_FRAME_BYTES = 512 * 1024  # a burst of 1 s is 22 KiB, a message at most some 16 KiB
KEPT_FRAMES = 16  # unread ones; then the far side has to wait
KEPT_SOUND = 10  # frames of 20 ms
KEPT_WORDS = 64
WRITE_BYTES = 4_096
KERNEL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class SocketPatience:
    """In seconds."""

    connect: float = 8.0
    ping: float = 10.0  # between two signs of life that are asked for, and for the answer
    send: float = 8.0  # for a far side that takes nothing
    leave: float = 0.2  # after `stop`, for the far side to close
    close: float = 2.0


class IngestSocket:
    """`on_frame` gets each text frame, `on_lost` one loss at most; both on the media loop, none after `close` began."""

    def __init__(
        self,
        on_frame: Callable[[str], None],
        on_lost: Callable[[Lost], None],
        patience: SocketPatience = SocketPatience(),
    ) -> None:
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._patience = patience
        self._host = ""
        self._connection: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._words: deque[str] = deque()
        self._sound: deque[str] = deque(maxlen=KEPT_SOUND)
        self._waiting = asyncio.Event()
        self._over = False
        self.sound_sent = 0  # frames
        self.sound_dropped = 0

    @property
    def host(self) -> str:
        """The far side's name for the operator: the only part of the address that may be shown."""
        return self._host

    @property
    def rtt_s(self) -> float | None:
        """As the latest sign of life found it; None before the first, and while there is no connection."""
        return None if self._connection is None else self._connection.latency or None

    async def open(self, url: str) -> None:
        """Raises `LinkError`."""
        parts = urlsplit(url)
        self._host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or "the ingest server"
        try:
            async with asyncio.timeout(self._patience.connect):
                context = await asyncio.to_thread(_roots) if parts.scheme == "wss" else None
                self._connection = await connect(
                    url,
                    ssl=context,
                    compression=None,
                    open_timeout=None,  # ours rules
                    ping_interval=self._patience.ping,
                    ping_timeout=self._patience.ping,
                    close_timeout=self._patience.close / 2,
                    max_size=MAX_FRAME_BYTES,
                    max_queue=KEPT_FRAMES,
                    write_limit=WRITE_BYTES,
                    user_agent_header="avatar-kiosk",
                    logger=_quiet,
                )
        except (OSError, WebSocketException, ValueError, EOFError) as error:
            raise LinkError(ingest_losses.from_connect_error(error, self._host)) from None
        if self._over:
            await self._leave(self._connection)
            raise LinkError(ingest_losses.closed_meanwhile())
        _keep_little(self._connection)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._read(self._connection), name="ingest reader"),
            loop.create_task(self._write(self._connection), name="ingest writer"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._tell_failure)

    def send(self, frame: str) -> None:
        """Queues what is not sound. More than 64 at once are dropped, the newest first."""
        if len(self._words) < KEPT_WORDS:
            self._words.append(frame)
            self._waiting.set()
        else:
            log.warning("the ingest socket takes nothing; a message is left out")

    def send_sound(self, pcm: bytes) -> None:
        """Queues 20 ms of s16le mono at 8 kHz; the oldest goes where more than 200 ms wait."""
        self.sound_dropped += len(self._sound) == KEPT_SOUND
        self._sound.append(ingest_protocol.media(pcm))
        self._waiting.set()

    async def close(self) -> None:
        """Says `stop` and leaves. Idempotent; safe while `open` is under way, which then fails."""
        self._over = True
        connection, self._connection = self._connection, None
        for task in self._tasks[1:]:
            task.cancel()
        if connection is not None:
            await self._leave(connection)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _leave(self, connection: ClientConnection) -> None:
        try:
            async with asyncio.timeout(self._patience.close):
                await connection.send(ingest_protocol.stop())
                if self._tasks:
                    await asyncio.wait(self._tasks[:1], timeout=self._patience.leave)
                await connection.close()
        except (TimeoutError, OSError, WebSocketException) as error:
            log.debug("the ingest socket was not closed in form: %s", type(error).__name__)
        finally:
            connection.transport.abort()

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for frame in connection:
                if isinstance(frame, str) and not self._over:  # no document knows binary frames
                    self._on_frame(frame)
        except ConnectionClosed:
            log.debug("the ingest socket closed without good form")
        self._end(self._loss_of(connection))

    def _loss_of(self, connection: ClientConnection) -> Lost:
        received, sent = connection.protocol.close_rcvd, connection.protocol.close_sent
        if received is None and sent is not None and sent.code == 1011:
            return ingest_losses.silent(self._host, 2 * self._patience.ping)
        if received is None and sent is not None:  # the library found fault with what came
            return ingest_losses.from_close(sent.code, sent.reason, self._host)
        return ingest_losses.from_close(
            None if received is None else received.code, "" if received is None else received.reason, self._host
        )

    async def _write(self, connection: ClientConnection) -> None:
        try:
            while True:
                await self._waiting.wait()
                frame = self._next()
                if frame is None:
                    self._waiting.clear()
                    continue
                async with asyncio.timeout(self._patience.send):
                    await connection.send(frame)
        except TimeoutError:
            self._end(ingest_losses.takes_nothing(self._host, self._patience.send))
        except ConnectionClosed:
            log.debug("nothing more goes out")  # the reader tells why

    def _next(self) -> str | None:
        if self._words:
            return self._words.popleft()
        if self._sound:
            self.sound_sent += 1
            return self._sound.popleft()
        return None

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)
            self._end(ingest_losses.from_close(None, "", self._host))

    def _end(self, lost: Lost) -> None:
        if not self._over:
            self._over = True
            self._on_lost(lost)


def _roots() -> ssl.SSLContext:
    """Both: a company's own root is in the system's store, a bare machine has only certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _keep_little(connection: ClientConnection) -> None:
    wire = connection.transport.get_extra_info("socket")
    if wire is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
