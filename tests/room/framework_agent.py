"""An agent of LiveKit's own framework, as a process: it sends speech to an avatar worker by DataStreamAudioOutput.

A process of its own, as the framework is heavy and sets handlers and hooks where it likes. Orders come as JSON lines on
the standard input, events go as JSON lines to the standard output; times are `time.monotonic()`, which all processes of
a machine share.

    {"say": "speech.wav"}   -> {"event": "sent"} once all of it is on its way, {"event": "finished", …} when it was said
    {"clear": true}         -> {"event": "cleared"} at once, and a "finished"
    {"end": true}           or the end of the standard input
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import wave
from typing import Any

from livekit import rtc
from livekit.agents.voice.avatar import DataStreamAudioOutput
from livekit.agents.voice.io import PlaybackFinishedEvent

PIECE_S = 0.05


def tell(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, "t": time.monotonic(), **facts}), flush=True)


def on_finished(event: PlaybackFinishedEvent) -> None:
    tell("finished", position=event.playback_position, interrupted=event.interrupted)


async def say(output: DataStreamAudioOutput, path: str) -> None:
    with wave.open(path) as wav:
        rate, channels = wav.getframerate(), wav.getnchannels()
        while data := wav.readframes(int(rate * PIECE_S)):
            samples = len(data) // 2 // channels
            await output.capture_frame(rtc.AudioFrame(data, rate, channels, samples))
    output.flush()
    tell("sent")


async def obey(output: DataStreamAudioOutput) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order: dict[str, Any] = json.loads(line)
        if path := order.get("say"):
            await say(output, path)
        elif order.get("clear"):
            tell("cleared")
            output.clear_buffer()
        else:
            break


async def main() -> None:
    url, token, worker = os.environ["AGENT_URL"], os.environ["AGENT_TOKEN"], os.environ["AGENT_WORKER"]
    room = rtc.Room()
    output = DataStreamAudioOutput(room, destination_identity=worker, wait_remote_track=rtc.TrackKind.KIND_VIDEO)
    output.on("playback_finished", on_finished)
    await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
    tell("joined")
    try:
        await obey(output)
    finally:
        await room.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
