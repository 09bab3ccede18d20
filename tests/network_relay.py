"""A bad network between a LiveKit server and its callers, in user space, and the same at every run.

A server started with `LiveKitServer(path="relay")` listens on 127.0.0.1 and tells its callers that it is at
127.0.0.2; there, on the port of its pictures and voices, the relay listens. The server speaks ICE lite: it answers and
never calls, so that no path leads around the relay. The signal connection goes through a TCP relay beside it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.livekit_server import LiveKitServer

ANSWER_S = 10.0
MOST_IN_FLIGHT = 10_000  # packets; what comes beyond is lost, as in a router
CHUNKS = 256  # of one TCP connection, on their way in one direction
CHUNK = 16_384  # bytes
LOOK_S = 0.02  # between two looks whether a hole is over
LARGEST_PACKET = 65_536

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Weather:
    """The same in both directions. TCP loses nothing: it waits."""

    delay_s: float = 0.0
    jitter_s: float = 0.0  # evenly distributed, on top of the delay
    loss: float = 0.0  # 0 to 1
    reorder: bool = True  # a packet overtakes another as the jitter has it; False: it queues
    hole: bool = False  # nothing passes


CLEAR = Weather()


class Way:
    """One direction of one connection: when each of its packets arrives."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._last_s = 0.0

    def due_s(self, now_s: float, weather: Weather) -> float | None:
        """None: it is lost. Takes the same random numbers whatever the weather."""
        fate, late = self._random.random(), self._random.random()
        if weather.hole or fate < weather.loss:
            return None
        return self._after(now_s + weather.delay_s + late * weather.jitter_s, weather.reorder)

    def in_order_s(self, now_s: float, weather: Weather) -> float:
        """For TCP."""
        return self._after(now_s + weather.delay_s + self._random.random() * weather.jitter_s, reorder=False)

    def _after(self, due_s: float, reorder: bool) -> float:
        self._last_s = due_s if reorder else max(due_s, self._last_s)
        return self._last_s


class NetworkRelay:
    """A context manager with a thread of its own. Its figures may be read at any time.

    Media connections that exist when `spare_present` is called have clear weather from then on: the avatar's, say.
    """

    def __init__(self, server: LiveKitServer, *, seed: int = 1) -> None:
        """`server` has been started, with the path "relay"."""
        self.weather = CLEAR
        self.passed = 0  # packets
        self.lost = 0
        self.calls = 0  # TCP connections taken
        self._in_flight = 0
        self._seed = seed
        self.server_url = server.url
        self._signal: Address = ("127.0.0.1", _port(server.url))
        self._media: Address = ("127.0.0.1", server.udp_port)
        self._door_address: Address = (server.relay_host, server.udp_port)
        self._door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._flows: dict[Address, _Flow] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._switchboard: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="network relay")

    @property
    def url(self) -> str:
        """The server, for whoever calls through the bad network."""
        assert self._switchboard is not None
        return f"ws://127.0.0.1:{self._switchboard.sockets[0].getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._do(self._open)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_S)

    def turn(self, weather: Weather) -> None:
        """From now on; what is on its way arrives as it would have."""
        self.weather = weather

    def spare_present(self) -> None:
        for flow in list(self._flows.values()):
            flow.spared = True

    # --- on the relay's own thread ---

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(ANSWER_S)

    async def _open(self) -> None:
        self._door.setblocking(False)
        self._door.bind(self._door_address)
        self._loop.add_reader(self._door, self._on_packet)
        self._switchboard = await asyncio.start_server(self._on_call, "127.0.0.1", 0)

    async def _close(self) -> None:
        if self._switchboard is not None:
            self._switchboard.close()
        for task in list(self._calls):
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        for sock in (self._door, *(flow.far for flow in self._flows.values())):
            self._loop.remove_reader(sock)
            sock.close()

    def _on_packet(self) -> None:
        for data, client in _packets(self._door):
            flow = self._flows.get(client)
            if flow is None:
                flow = self._flows[client] = _Flow(client, f"{self._seed}/{len(self._flows)}")
                flow.far.connect(self._media)
                self._loop.add_reader(flow.far, self._on_answer, flow)
            self._carry(data, flow, flow.out, flow.far.send)

    def _on_answer(self, flow: _Flow) -> None:
        for data, _ in _packets(flow.far):
            self._carry(data, flow, flow.back, lambda packet: self._door.sendto(packet, flow.client))

    def _carry(self, data: bytes, flow: _Flow, way: Way, deliver: Callable[[bytes], int]) -> None:
        now_s = self._loop.time()
        due_s = way.due_s(now_s, CLEAR if flow.spared else self.weather)
        if due_s is None or self._in_flight >= MOST_IN_FLIGHT:
            self.lost += 1
            return
        self._in_flight += 1
        self._loop.call_at(due_s, self._arrive, data, deliver)

    def _arrive(self, data: bytes, deliver: Callable[[bytes], int]) -> None:
        self._in_flight -= 1
        self.passed += 1
        with suppress(OSError):  # nobody listens there at present, or the relay is closed
            deliver(data)

    async def _on_call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        self.calls += 1
        seed = f"{self._seed}/call {self.calls}"
        far_writer: asyncio.StreamWriter | None = None
        try:
            await self._through_holes()
            far_reader, far_writer = await asyncio.open_connection(*self._signal)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._copy(reader, far_writer, Way(f"{seed} out")))
                ways.create_task(self._copy(far_reader, writer, Way(f"{seed} back")))
        except* OSError:
            pass  # one of the two is gone, and so is the connection
        except* asyncio.CancelledError:
            pass  # the relay closes
        finally:
            self._calls.discard(task)
            for each in (writer, far_writer):
                if each is not None:
                    each.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS)

        async def take() -> None:
            while True:
                data = await reader.read(CHUNK)
                await chunks.put((way.in_order_s(self._loop.time(), self.weather), data))
                if not data:
                    return

        taking = self._loop.create_task(take())
        try:
            while True:
                due_s, data = await chunks.get()
                await asyncio.sleep(due_s - self._loop.time())
                await self._through_holes()
                if not data:
                    raise ConnectionResetError("one side hung up")
                writer.write(data)
                await writer.drain()
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _through_holes(self) -> None:
        while self.weather.hole:  # noqa: ASYNC110 - turned on another thread
            await asyncio.sleep(LOOK_S)


class _Flow:
    """The packets of one client, to the server and back."""

    def __init__(self, client: Address, seed: str) -> None:
        self.client = client
        self.spared = False
        self.out, self.back = Way(f"{seed} out"), Way(f"{seed} back")
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.setblocking(False)


def _packets(sock: socket.socket) -> list[tuple[bytes, Address]]:
    """All that wait."""
    found: list[tuple[bytes, Address]] = []
    with suppress(BlockingIOError, ConnectionRefusedError):  # the server is down
        while True:
            found.append(sock.recvfrom(LARGEST_PACKET))
    return found


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
