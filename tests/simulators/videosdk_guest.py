"""Who meets the kiosk in a simulated VideoSDK room: an agent with or without a face, another person, an avatar."""

from __future__ import annotations

import asyncio
import fractions
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, AudioResampler, VideoFrame

from tests.simulators.frame_code import LIMIT, FrameCode
from tests.simulators.hearing import HeardRecord, UtteranceDetector
from tests.simulators.picture_track import Gallery
from tests.simulators.speech import FRAME, RATE, Samples
from tests.simulators.voice import Voice

SOUND_TICKS = 2  # frames of 10 ms in one packet
VIDEO_CLOCK = fractions.Fraction(1, 90_000)


@dataclass(slots=True)
class GuestOptions:
    """How a guest looks and behaves."""

    peer_type: str = "agent"
    name: str = "Agent"
    video: bool = True
    audio: bool = True
    announced: bool = True  # by `newPeer`; False: it only stands in the list of peers when one joins
    echo: bool = False  # says back what it hears
    width: int = 640
    height: int = 480
    fps: int = 15
    frame_code: bool = True
    meta: dict[str, Any] = field(default_factory=dict)


class Guest:
    """One participant with its tracks. Its microphone and camera run while a transport reads them."""

    def __init__(self, peer_id: str, options: GuestOptions | None = None, gallery: Gallery | None = None) -> None:
        self.peer_id = peer_id
        self.options = options or GuestOptions()
        self.voice = Voice()
        self.heard = HeardRecord()
        self.live = asyncio.Event()  # cleared: its tracks stand still
        self.live.set()
        self.frames_sent = 0
        self.producers = [
            (kind, f"{peer_id}-{kind}")
            for kind, on in (("audio", self.options.audio), ("video", self.options.video))
            if on
        ]
        self._ears = UtteranceDetector()
        self._portraits = gallery or Gallery()

    def peer(self) -> dict[str, Any]:
        """As `newPeer` and the list of peers describe it."""
        options = self.options
        meta = {"agent_id": self.peer_id, "agent_name": options.name, "is_videosdk_agent": True}
        return {
            "id": self.peer_id,
            "displayName": options.name,
            "device": {},
            "mode": "SEND_AND_RECV",
            "peerType": options.peer_type,
            "metaData": {**(meta if options.peer_type == "agent" else {}), **options.meta},
        }

    def track(self, kind: str) -> MediaStreamTrack:
        return _Microphone(self) if kind == "audio" else _Camera(self, self._portraits)

    def hear(self, samples: Samples) -> None:
        """Any length at 48 kHz."""
        self.heard.add(time.monotonic(), samples)
        for start in range(0, len(samples) - FRAME + 1, FRAME):
            utterance = self._ears.feed(samples[start : start + FRAME])
            if utterance is not None and self.options.echo and not self.voice.speaking:
                self.voice.say(utterance)


class _Paced(MediaStreamTrack):
    """Waits for each tick; after a stall it leaves out what is too late instead of sending it in a burst."""

    _due = 0.0

    async def _tick(self, period: float) -> None:
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        self._due = now if self._due < now - 0.25 else self._due
        await asyncio.sleep(max(0.0, self._due - now))
        self._due += period


class _Microphone(_Paced):
    kind = "audio"

    def __init__(self, guest: Guest) -> None:
        super().__init__()
        self._guest = guest
        self._pts = 0

    async def recv(self) -> AudioFrame:
        await self._tick(SOUND_TICKS * FRAME / RATE)
        await self._guest.live.wait()
        samples = np.concatenate([self._guest.voice.next_frame() for _ in range(SOUND_TICKS)])
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._pts, fractions.Fraction(1, RATE)
        self._pts += len(samples)
        return frame


class _Camera(_Paced):
    kind = "video"

    def __init__(self, guest: Guest, gallery: Gallery) -> None:
        super().__init__()
        self._guest = guest
        size = guest.options.width, guest.options.height
        self._code = FrameCode(*size)
        self._gallery = gallery
        self._start = time.monotonic()

    async def recv(self) -> VideoFrame:
        guest, options = self._guest, self._guest.options
        await self._tick(1 / options.fps)
        await guest.live.wait()
        portrait = await asyncio.to_thread(self._gallery.portrait, options.width, options.height)
        mouth = 3 if guest.voice.level_dbfs > -40 else 0
        picture = portrait.picture(0, mouth, 0)
        if options.frame_code:
            self._code.draw(picture, guest.frames_sent % LIMIT, flash=False)
        guest.frames_sent += 1
        planes = picture.reshape(options.height * 3 // 2, options.width)
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = int((time.monotonic() - self._start) * 90_000), VIDEO_CLOCK
        return frame


async def listen(track: MediaStreamTrack, guests: Any) -> None:
    """Lets all of `guests()` hear what comes in on `track`, until it ends."""
    mono = AudioResampler(format="s16", layout="mono", rate=RATE)
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if not isinstance(frame, AudioFrame):
            continue
        for part in mono.resample(frame):
            samples = np.asarray(part.to_ndarray()[0], np.int16)
            for guest in guests():
                guest.hear(samples)
