"""The avatar of the comparison, a process of its own: the same pictures and beeps into one room.

Every picture carries its number as a code. Every two seconds a square flashes and a beep of 1 kHz begins. Both belong
to one instant of one time table: the picture is drawn beforehand, and the beep starts at the first sample of the
10 ms of sound that are due with it. Noted is when each was handed to the media library, which follows within a
millisecond of the other.

Prints one line of JSON when all is published, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from livekit import rtc

from tests.benchmarks.side_by_side.reel import planes, reel
from tests.simulators.frame_code import LIMIT, FrameCode
from tests.simulators.speech import FRAME, RATE, beep

FLASH_EVERY_S = 2
FLASH_PICTURES = 3
HOPELESS_S = 0.25  # later than this the time table begins anew, and says so
BITRATE = 3_000_000
KEEP_SIZE = rtc.DegradationPreference.MAINTAIN_FRAMERATE_AND_RESOLUTION
SILENCE = bytes(2 * FRAME)


class Publisher:
    """Sends until it is cancelled. `log` takes lines of JSON; times are `time.perf_counter` seconds."""

    def __init__(self, width: int, height: int, fps: int, pictures: list[bytearray], log: TextIO):
        self._size, self._fps, self._log = (width, height), fps, log
        self._pictures = pictures
        self._code = FrameCode(width, height)
        self._video = rtc.VideoSource(width, height)
        self._sound = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        self._beep = _beep()
        self._left: list[bytes] = []
        self._sent = 0

    async def publish(self, room: rtc.Room, *, voice: bool) -> rtc.LocalVideoTrack:
        video = rtc.LocalVideoTrack.create_video_track("avatar_video", self._video)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA,
            simulcast=False,
            video_encoding=rtc.VideoEncoding(max_framerate=self._fps, max_bitrate=BITRATE),
            # On a busy machine the library would send one client smaller pictures than the other.
            degradation_preference=KEEP_SIZE,  # type: ignore[arg-type]  # the library's own types disagree
        )
        await room.local_participant.publish_track(video, options)
        if voice:
            sound = rtc.LocalAudioTrack.create_audio_track("avatar_audio", self._sound)
            microphone = rtc.TrackSource.SOURCE_MICROPHONE
            await room.local_participant.publish_track(
                sound, rtc.TrackPublishOptions(source=microphone, dtx=False, red=False)
            )
        return video

    async def run(self, *, voice: bool) -> None:
        """Sound every 10 ms and pictures at their rate, from one time table."""
        began, picture, sound = time.perf_counter(), 0, 0
        self._draw(picture)
        while True:
            sound_due = began + sound * FRAME / RATE
            picture_due = began + picture / self._fps
            late = time.perf_counter() - min(sound_due, picture_due)
            if late > HOPELESS_S:
                began += late
                self._write({"stall_s": round(late, 3)})
                continue
            await asyncio.sleep(max(0.0, -late))
            # In whole units of the time table, so that the two meet exactly where both are due.
            if sound * FRAME * self._fps <= picture * RATE:
                if voice:
                    await self._speak(sound, picture)
                sound += 1
            else:
                self._show(picture)
                picture += 1
                self._draw(picture)

    async def _speak(self, sound: int, picture: int) -> None:
        if self._flashes(picture) and sound * FRAME * self._fps == picture * RATE:
            self._left = list(self._beep)
            self._write({"beep": picture, "t": time.perf_counter()})
        data = self._left.pop(0) if self._left else SILENCE
        await self._sound.capture_frame(rtc.AudioFrame(data, RATE, 1, FRAME))

    def _flashes(self, picture: int) -> bool:
        """Whether a flash begins in this picture."""
        return picture > 0 and picture % (FLASH_EVERY_S * self._fps) == 0

    def _draw(self, number: int) -> None:
        every = FLASH_EVERY_S * self._fps
        flash = number >= every and number % every < FLASH_PICTURES
        self._code.draw(planes(self._pictures[number % len(self._pictures)]), number % LIMIT, flash=flash)

    def _show(self, number: int) -> None:
        data = self._pictures[number % len(self._pictures)]
        frame = rtc.VideoFrame(*self._size, rtc.VideoBufferType.I420, data)
        now = time.perf_counter()
        self._video.capture_frame(frame, timestamp_us=int(now * 1e6))
        self._write({"picture": number, "t": now})

    def _write(self, line: dict[str, float]) -> None:
        self._log.write(json.dumps(line) + "\n")


def _beep() -> list[bytes]:
    """In pieces of 10 ms."""
    data = beep().astype("<i2").tobytes()
    return [data[at : at + 2 * FRAME].ljust(2 * FRAME, b"\0") for at in range(0, len(data), 2 * FRAME)]


async def _encoded(video: rtc.LocalVideoTrack) -> dict[str, object]:
    """What the library made of the pictures: under load it may send them smaller."""
    for stats in await video.get_stats():
        if stats.HasField("outbound_rtp"):
            out = stats.outbound_rtp.outbound
            return {
                "encoded_width": out.frame_width,
                "encoded_height": out.frame_height,
                "encoded": out.frames_encoded,
                "encoder": out.encoder_implementation,
                "mean_encode_ms": round(1000 * out.total_encode_time / max(1, out.frames_encoded), 2),
            }
    return {}


async def _main(given: argparse.Namespace) -> None:
    width, height = (int(part) for part in given.size.split("x"))
    pictures = reel(width, height)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    room, guests_send = rtc.Room(), set[str]()

    def note(track: rtc.RemoteTrackPublication, guest: rtc.RemoteParticipant) -> None:
        guests_send.add("sound" if track.kind == rtc.TrackKind.KIND_AUDIO else "picture")

    room.on("track_published", note)
    await room.connect(given.url, os.environ["KIOSK_BENCH_TOKEN"])
    with given.log.open("w", buffering=1, encoding="utf-8") as log:
        publisher = Publisher(width, height, given.fps, pictures, log)
        video = await publisher.publish(room, voice=given.voice)
        running = asyncio.create_task(publisher.run(voice=given.voice))
        print(json.dumps({"ready": True}), flush=True)
        await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
        log.write(json.dumps({**await _encoded(video), "guests_send": sorted(guests_send)}) + "\n")
        if running.done():
            await running
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await room.disconnect()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--size", required=True, metavar="WxH")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--no-voice", dest="voice", action="store_false")
    parser.add_argument("--log", type=Path, required=True)
    logging.getLogger("livekit").setLevel(logging.ERROR)  # it warns of its own handles when a room is left
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
