"""Frames and voice of one subscribed track, from LiveKit's library into the sinks. Lives on the media loop."""

from __future__ import annotations

from collections.abc import Callable

from livekit import rtc

from kiosk.links.video_tap import Picture, VideoTap
from kiosk.links.voice_tap import VoiceTap
from kiosk.media.av_sync import ClockMap, VideoDelay
from kiosk.media.frames import VideoFrame, VideoSink, VoiceSink
from kiosk.media.levels import level_dbfs


class VideoIntake:
    """Puts each frame into the sink with the instant at which it is due beside its voice."""

    def __init__(
        self,
        track: rtc.Track,
        sid: str,
        sink: VideoSink,
        lateness_s: Callable[[], float | None],
        on_frame: Callable[[VideoFrame], None],
    ):
        """`lateness_s`: how much later than a picture that does not wait its sound would be; None: there is none."""
        self.sid = sid
        self._sink = sink
        self._lateness_s = lateness_s
        self._on_frame = on_frame
        self._clock = ClockMap()
        self._delay = VideoDelay()
        self._format = sink.wanted_format
        self._first = True
        self._tap = VideoTap(track, self._format, self._show)

    async def stop(self) -> None:
        await self._tap.aclose()

    @property
    def offset_s(self) -> float:
        """By how much the sound is still later than the picture, in seconds."""
        return self._delay.offset_s

    def _show(self, picture: Picture) -> None:
        delay = self._delay.update(self._lateness_s())
        due_s = self._clock.due_s(picture.timestamp_us, picture.arrived_s) + delay
        frame = VideoFrame(
            format=self._format,
            width=picture.width,
            height=picture.height,
            data=picture.data,
            rotation=picture.rotation,
            # The face is to be there at once; only from the second frame on does it wait for its voice.
            due_s=0.0 if self._first or delay <= 0 else due_s,
            arrived_s=picture.arrived_s,
        )
        self._first = False
        self._sink.put(frame)
        self._on_frame(frame)


class VoiceIntake:
    """Plays each 10 ms of voice and reports its level in dBFS; `hush` drops it until the avatar falls silent."""

    def __init__(
        self,
        track: rtc.Track,
        sid: str,
        sink: VoiceSink,
        on_level: Callable[[float], None],
        on_played: Callable[[bytes], None],
    ):
        """`on_played` gets what the sink was given, at that instant."""
        self.sid = sid
        self._sink = sink
        self._on_level = on_level
        self._on_played = on_played
        self._hushed = False
        self._tap = VoiceTap(track, sink.sample_rate, sink.channels, self._play)

    async def stop(self) -> None:
        await self._tap.aclose()

    def hush(self, on: bool) -> None:
        """While hushed nothing is played: the visitor interrupted, and the far side has not stopped yet."""
        self._hushed = on

    def _play(self, pcm: bytes) -> None:
        if not self._hushed:
            self._sink.put(pcm)
            self._on_played(pcm)
        self._on_level(level_dbfs(pcm))
