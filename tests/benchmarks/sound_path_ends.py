"""The two ends of a sound path, as processes of their own: see `sound_paths`.

`speak URL TOKEN SECONDS` publishes a steady tone with a beep every second and prints when each beep was said;
`play PATH URL TOKEN THREADS` plays it until its standard input ends, while THREADS threads of the process spin.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from livekit import rtc

from kiosk.app import SWITCH_INTERVAL_S
from kiosk.links.intake import VoiceIntake
from kiosk.media.playout import Playout

RATE = 48_000
CHUNK = 480
TONE_HZ, BEEP_HZ = 300, 1_000
TONE_PEAK, BEEP_PEAK = 6_000, 20_000
BEEP_CHUNKS = 3
LATENCY_S = 0.010


async def speak(url: str, token: str, seconds: float) -> None:
    room = rtc.Room()
    await room.connect(url, token)
    source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    await room.local_participant.publish_track(
        track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False, red=False)
    )
    said: list[float] = []
    began = time.perf_counter()
    for n in range(round(seconds * 100)):
        await asyncio.sleep(max(0.0, began + n / 100 - time.perf_counter()))
        at = (np.arange(CHUNK) + n * CHUNK) / RATE
        sound = TONE_PEAK * np.sin(2 * np.pi * TONE_HZ * at)
        if n % 100 < BEEP_CHUNKS:
            sound = BEEP_PEAK * np.sin(2 * np.pi * BEEP_HZ * at)
        if n % 100 == 0:
            said.append(time.perf_counter())
        await source.capture_frame(rtc.AudioFrame(sound.astype(np.int16).tobytes(), RATE, 1, CHUNK))
    await asyncio.sleep(1)
    await room.disconnect()
    print(json.dumps(said), flush=True)


class Rtmixer:
    """A `VoiceSink` over rtmixer: the C callback reads a ring, the least that plays without breaks is in it."""

    sample_rate, channels = RATE, 1

    def __init__(self) -> None:
        import rtmixer

        self._mixer = rtmixer.Mixer(channels=1, samplerate=RATE, latency=LATENCY_S, blocksize=RATE // 200)
        self._ring = rtmixer.RingBuffer(4, 1 << 14)
        self._ring.write(np.zeros(CHUNK, np.float32))
        self._mixer.start()
        self._mixer.play_ringbuffer(self._ring)

    def put(self, pcm: memoryview | bytes) -> None:
        late = self._ring.read_available - 3 * CHUNK
        if late > 0:
            return
        if self._ring.read_available == 0:  # it ran dry and the mixer gave up the ring
            self._ring.write(np.zeros(CHUNK, np.float32))
            self._mixer.play_ringbuffer(self._ring)
        self._ring.write(np.frombuffer(pcm, np.int16).astype(np.float32) / 32_768)

    def flush(self) -> None: ...

    def latency_s(self) -> float:
        return 0.0

    def stop(self) -> None:
        self._mixer.stop()


async def play(path: str, url: str, token: str, threads: int) -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    stop: Callable[[], Any] = lambda: None  # noqa: E731
    sink: Playout | Rtmixer | None = None
    if path == "platform":
        platform = rtc.PlatformAudio()
        stop = platform.close if hasattr(platform, "close") else stop
    elif path == "rtmixer":
        sink = Rtmixer()
        stop = sink.stop
    else:
        sink = Playout()
        sink.start()
        stop = sink.stop
    for _ in range(threads):
        threading.Thread(target=_spin, daemon=True).start()
    room = rtc.Room()
    intakes: list[VoiceIntake] = []

    def begin(track: rtc.Track, *_: object) -> None:
        if sink is not None and track.kind == rtc.TrackKind.KIND_AUDIO:
            intake = VoiceIntake(track, track.sid, sink, lambda _level: None, lambda _pcm: None)
            intakes.append(intake)

    room.on("track_subscribed", begin)
    await room.connect(url, token)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for intake in intakes:
        await intake.stop()
    stop()
    await room.disconnect()


def _spin() -> None:
    while True:
        pass


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "speak":
        asyncio.run(speak(rest[0], rest[1], float(rest[2])))
    else:
        asyncio.run(play(rest[0], rest[1], rest[2], int(rest[3])))
    from kiosk.leaving import leave

    leave(0)
