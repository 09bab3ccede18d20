"""How an avatar was last seen listening: it keeps the visitor company until it comes itself. In memory alone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace

from kiosk.links.contract import AvatarMode
from kiosk.media.air import Air
from kiosk.media.frames import VideoFrame, VideoSink
from kiosk.session.view import Phase, Situation

FPS = 20
NEARER = 0.025  # of the picture's size
BREATH_S = 7.0


class LastPictures:
    """One a provider. Everything on the controller's loop; `wanted` may be read on any thread."""

    def __init__(self, air: Air, provider: Callable[[], str]) -> None:
        """`provider`: whom the visit talks to, or asks first."""
        self._air = air
        self._provider = provider
        self._pictures: dict[str, VideoFrame] = {}
        self._listening = ""  # the provider whose avatar is seen listening; empty while none is
        self.wanted: VideoFrame | None = None  # of the avatar that a visitor waits for

    def show_situation(self, situation: Situation) -> None:
        """To be told before whoever shows the picture."""
        if self._listening and (picture := self._air.newest) is not None:
            self._pictures[self._listening] = picture  # the mouth is closed, and nobody is in the middle of a word
        listens = situation.phase is Phase.LIVE and situation.picture and situation.mode is AvatarMode.LISTENING
        self._listening = self._provider() if listens else ""
        if situation.awaits_avatar:
            self.wanted = self._pictures.get(self._provider())


class BreathingPicture:
    """A picture that comes slowly nearer and goes back, so that nobody takes it for a screen that hangs. It is only
    placed anew, never drawn. Made and ended on the media loop."""

    def __init__(self, video: VideoSink, picture: VideoFrame) -> None:
        self._task = asyncio.get_running_loop().create_task(self._breathe(video, picture), name="breathing picture")

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _breathe(self, video: VideoSink, picture: VideoFrame) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            zoom = 1.0 + NEARER * (0.5 - 0.5 * math.cos(2 * math.pi * (loop.time() - began_s) / BREATH_S))
            video.put(replace(picture, zoom=zoom, due_s=0.0))
            await asyncio.sleep(1 / FPS)
