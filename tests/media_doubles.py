"""Loudspeaker and microphone that keep the contracts of kiosk/media/frames.py and a diary, without a sound card."""

from __future__ import annotations

import asyncio


class VoiceLog:
    """A `VoiceSink`: what was put in, and None for each flush."""

    sample_rate = 48_000
    channels = 1

    def __init__(self) -> None:
        self.heard: list[bytes | None] = []

    def put(self, pcm: memoryview | bytes) -> None:
        self.heard.append(bytes(pcm))

    def flush(self) -> None:
        self.heard.append(None)

    def latency_s(self) -> float:
        return 0.05


class SilentMicrophone:
    """A `MicrophoneSource` that never gives a frame."""

    async def read(self) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError("nobody speaks here")
