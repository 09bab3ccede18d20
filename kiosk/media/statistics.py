"""Counters and gauges of picture, sound and network: snapshots, taken while everything runs on. None: nobody can tell.

Counters only grow, until what they belong to (a device, a stream of a link) is opened anew.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VideoStatistics:
    """`width` and `height` of the last frame in pixels; `fps` frames per second as received, between first and last.

    `dropped`: frames that a newer one replaced before they were shown. `late`: frames that were shown, but more than
    a thirtieth of a second after they were due.
    """

    width: int = 0
    height: int = 0
    received: int = 0
    painted: int = 0
    dropped: int = 0
    fps: float = 0.0
    late: int = 0


@dataclass(frozen=True, slots=True)
class AudioStatistics:
    """The avatar's voice. `latency_ms`: from arrival to the loudspeaker; `device_latency_ms` is the sound card's part
    of it, `fill_ms` what waits before. `av_offset_ms` is positive where the sound is later than the picture.
    `drift_ppm`: how much faster the voice arrives than the sound card plays it, in millionths."""

    played_s: float = 0.0
    underruns: int = 0
    latency_ms: float | None = None
    av_offset_ms: float | None = None
    dropped_s: float = 0.0
    resyncs: int = 0
    fill_ms: float | None = None
    device_latency_ms: float | None = None
    drift_ppm: float | None = None


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


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What came over the network for one track. Counters of another `source` began anew.

    `buffered_s` is the sum, over all that left the jitter buffer (`emitted`: frames, or samples), of the time it spent
    there. `decoding_s`: what the decoder needed for them. `captured_s`: when what plays now was captured, by the
    sender's clock. `freezes`: times at which the picture stood still for longer than the stream's own rhythm explains.
    """

    source: str
    packets: int = 0
    lost: int = 0
    jitter_s: float | None = None
    buffered_s: float = 0.0
    emitted: int = 0
    decoding_s: float = 0.0
    captured_s: float | None = None
    freezes: int | None = None


@dataclass(frozen=True, slots=True)
class NetworkStatistics:
    """`rtt_s`: the way to the media server and back."""

    rtt_s: float | None = None
    video: StreamStatistics | None = None
    voice: StreamStatistics | None = None
