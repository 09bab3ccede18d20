"""The persona's face beside a voice that comes without a picture, until a real picture comes. On the media loop."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from kiosk.links.contract import AvatarMode, Face, FaceMaker
from kiosk.media.frames import PixelFormat, VideoFrame, VideoSink
from kiosk.providers.contract import Misconfigured

log = logging.getLogger("kiosk.link")

CHUNK_BYTES = 960  # what a face hears at a time: 10 ms, s16le mono at 48 kHz
SILENCE = bytes(CHUNK_BYTES)
CLOSING_CHUNKS = 20  # of silence: enough for any mouth to close


class VoiceFace:
    """A face that is made when it is wanted, hears what is played, and makes room for a real picture.

    `appear`, `hear`, `show` and `step_aside` may come in any order and any number; without a face they do nothing.
    """

    def __init__(
        self,
        make: FaceMaker | None,
        video: VideoSink,
        channels: int,
        on_first_frame: Callable[[VideoFrame], None],
    ):
        """`make` None: there is no face to be had. `channels`: of the voice that `hear` is given."""
        self._make = make
        self._channels = channels
        self._curtain = _Curtain(video, on_first_frame)
        self._face: Face | None = None
        self._mode = AvatarMode.LISTENING
        self._heard = bytearray()  # less than 10 ms that wait for the rest

    async def appear(self) -> None:
        """Makes the face, once. Where it cannot be made the log says why, and the voice goes on alone."""
        make, self._make = self._make, None
        if make is None:
            return
        try:
            face = await make(self._curtain)
        except Misconfigured as error:
            log.error("the voice has no face: %s", error.operator_line)
            return
        if self._curtain.closed:  # a real picture came meanwhile
            await face.aclose()
            return
        log.info("a voice without a picture: the persona lends it a face")
        self._face = face
        face.show(self._mode)

    def hear(self, pcm: bytes | memoryview) -> None:
        """Voice as it is handed to the loudspeaker: s16le interleaved at 48 kHz, any length."""
        if self._face is None:
            return
        self._heard += pcm if self._channels == 1 else _mono(pcm, self._channels)
        while len(self._heard) >= CHUNK_BYTES:
            chunk = bytes(self._heard[:CHUNK_BYTES])
            del self._heard[:CHUNK_BYTES]
            self._face.hear(chunk)

    def fall_silent(self) -> None:
        """No more voice comes, or none of it is played: the mouth closes."""
        self._heard.clear()
        if self._face is not None:
            for _ in range(CLOSING_CHUNKS):
                self._face.hear(SILENCE)

    def show(self, mode: AvatarMode) -> None:
        self._mode = mode
        if self._face is not None:
            self._face.show(mode)

    def step_aside(self) -> None:
        """No frame from now on; `aclose` is due all the same."""
        self._curtain.closed = True
        self._make = None

    async def aclose(self) -> None:
        """Idempotent."""
        self.step_aside()
        if self._face is not None:
            await self._face.aclose()  # as often as it is asked for: an earlier one may have been cancelled
            self._face = None


class _Curtain:
    """A `VideoSink` between face and screen: tells the first frame, and lets none through once it is closed."""

    def __init__(self, video: VideoSink, on_first_frame: Callable[[VideoFrame], None]):
        self._video = video
        self._on_first_frame = on_first_frame
        self._first = True
        self.closed = False

    @property
    def wanted_format(self) -> PixelFormat:
        return self._video.wanted_format

    def put(self, frame: VideoFrame) -> None:
        if self.closed:
            return
        self._video.put(frame)
        if self._first:
            self._first = False
            self._on_first_frame(frame)


def _mono(pcm: bytes | memoryview, channels: int) -> bytes:
    samples = np.frombuffer(pcm, np.int16).reshape(-1, channels)
    return samples.mean(axis=1, dtype=np.float32).astype(np.int16).tobytes()
