"""A visitor of a room with an avatar worker: keeps what it hears and how bright what it sees is, with the times."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

RATE = 48_000


class AvatarGuest:
    """`join` and `leave` once each."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sound: list[NDArray[np.int16]] = []
        self.levels: list[tuple[float, float]] = []  # (time.monotonic(), RMS) of each 10 ms
        self.brightness: list[tuple[float, float]] = []  # (time.monotonic(), mean luma) of each picture
        self.sizes: set[tuple[int, int]] = set()
        self.last_picture: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.moved: list[float] = []  # mean change of luma from one picture to the next
        self.sources: dict[str, int] = {}  # track name -> source

    async def join(self, url: str, token: str) -> None:
        self.room.on("track_subscribed", self._on_track)
        await self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=True))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    def heard(self) -> NDArray[np.int16]:
        return np.concatenate(self._sound) if self._sound else np.zeros(0, np.int16)

    def loud_since(self, t: float, level: float = 200.0) -> list[float]:
        """The times after `t` at which something was heard."""
        return [at for at, rms in self.levels if at > t and rms > level]

    def _on_track(self, track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant) -> None:
        self.sources[publication.name] = publication.source
        work = self._listen(track) if track.kind == rtc.TrackKind.KIND_AUDIO else self._watch(track)
        task = asyncio.create_task(work)
        self._tasks.add(task)

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=10)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16).copy()
                self._sound.append(samples)
                self.levels.append((time.monotonic(), float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))))
        finally:
            await stream.aclose()

    async def _watch(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420, capacity=1)
        try:
            async for event in stream:
                size = event.frame.width, event.frame.height
                if max(size) <= 16:
                    continue  # with such a picture the server ends a track
                luma = np.frombuffer(event.frame.data, np.uint8, count=size[0] * size[1])
                self.brightness.append((time.monotonic(), float(luma.mean())))
                if luma.size == self.last_picture.size:
                    self.moved.append(float(np.abs(luma.astype(np.int16) - self.last_picture).mean()))
                self.last_picture = luma.copy()
                self.sizes.add(size)
        finally:
            await stream.aclose()


def lag_of_mouth_s(
    levels: list[tuple[float, float]], brightness: list[tuple[float, float]], start: float, end: float
) -> tuple[float, float]:
    """(seconds by which the picture is later than the sound, correlation there), between two times."""
    grid = np.arange(start, end, 0.01)
    sound = np.interp(grid, *np.array(levels).T)
    mouth = np.interp(grid, *np.array(brightness).T)
    loud = np.minimum(1.0, np.convolve(sound, np.ones(5) / 5, "same") / 1500.0)
    lags = np.arange(-40, 41)
    inner = slice(40, len(grid) - 40)
    fits = [float(np.corrcoef(loud[inner], np.roll(mouth, -lag)[inner])[0, 1]) for lag in lags]
    best = int(np.argmax(fits))
    return float(lags[best]) * 0.01, fits[best]
