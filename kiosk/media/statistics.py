"""Counters as the report shows them: snapshots, taken while everything runs on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VideoStatistics:
    """`width` and `height` of the last frame in pixels; `fps` frames per second as received, between first and last."""

    width: int = 0
    height: int = 0
    received: int = 0
    painted: int = 0
    dropped: int = 0
    fps: float = 0.0


@dataclass(frozen=True, slots=True)
class AudioStatistics:
    """The avatar's voice. `av_offset_ms` is positive where the sound is later than the picture."""

    played_s: float = 0.0
    underruns: int = 0
    latency_ms: float = 0.0
    av_offset_ms: float = 0.0
    dropped_s: float = 0.0
    resyncs: int = 0


@dataclass(frozen=True, slots=True)
class MicrophoneStatistics:
    """`sent_s`: seconds handed to the link. `dropped`: 10 ms frames that were lost or that nobody fetched in time."""

    sent_s: float = 0.0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class LipSync:
    """`audio_latency_s`: from arrival to the loudspeaker. `av_offset_s`: by how much sound is later than picture."""

    audio_latency_s: float
    av_offset_s: float
