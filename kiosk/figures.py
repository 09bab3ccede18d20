"""The live figures of a kiosk: two snapshots of its counters, and what happened between them. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from kiosk.media.statistics import (
    AudioStatistics,
    MicrophoneStatistics,
    NetworkStatistics,
    StreamStatistics,
    VideoStatistics,
)
from kiosk.process_statistics import ProcessStatistics

SHORTEST_S = 0.001


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All counters at `t_s` (seconds on the clock)."""

    t_s: float
    video: VideoStatistics = field(default_factory=VideoStatistics)
    audio: AudioStatistics = field(default_factory=AudioStatistics)
    microphone: MicrophoneStatistics = field(default_factory=MicrophoneStatistics)
    network: NetworkStatistics | None = None
    process: ProcessStatistics = field(default_factory=ProcessStatistics)


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened within `span_s` seconds, and how things stood at their end. None: nobody can tell.

    Within the span: frames per second, `late`, `dropped`, `freezes`, `underruns`, `resyncs`, `microphone_dropped`,
    seconds played and sent, `loss_percent` of all packets, time in the jitter buffers, `cpu_percent` of one core.
    """

    span_s: float
    width: int = 0
    height: int = 0
    fps_received: float = 0.0
    fps_shown: float = 0.0
    late: int = 0
    dropped: int = 0
    freezes: int | None = None
    av_offset_ms: float | None = None
    latency_ms: float | None = None
    fill_ms: float | None = None
    device_latency_ms: float | None = None
    drift_ppm: float | None = None
    voice_played_s: float = 0.0
    underruns: int = 0
    resyncs: int = 0
    microphone_sent_s: float = 0.0
    microphone_dropped: int = 0
    rtt_ms: float | None = None
    loss_percent: float | None = None
    video_jitter_ms: float | None = None
    voice_jitter_ms: float | None = None
    video_buffer_ms: float | None = None
    voice_buffer_ms: float | None = None
    cpu_percent: float = 0.0
    rss_mb: float | None = None
    pss_mb: float | None = None
    threads: int | None = None
    handles: int | None = None

    def fields(self) -> dict[str, float | int | None]:
        """By name, numbers rounded to what they are worth."""
        return {name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """`latest`: between the two newest snapshots. `visit`: since the visit began. None before there are any."""

    latest: Figures | None = None
    visit: Figures | None = None


def figures(before: Snapshot, now: Snapshot) -> Figures:
    """What happened from `before` to `now`. A counter that went back began anew in between."""
    span_s = max(SHORTEST_S, now.t_s - before.t_s)
    video, audio = now.video, now.audio
    network = now.network or NetworkStatistics()
    earlier = before.network or NetworkStatistics()
    seen, heard = _Stream.of(earlier.video, network.video), _Stream.of(earlier.voice, network.voice)
    return Figures(
        span_s=span_s,
        width=video.width,
        height=video.height,
        fps_received=_grown(before.video.received, video.received) / span_s,
        fps_shown=_grown(before.video.painted, video.painted) / span_s,
        late=_grown(before.video.late, video.late),
        dropped=_grown(before.video.dropped, video.dropped),
        freezes=seen.freezes,
        av_offset_ms=audio.av_offset_ms,
        latency_ms=audio.latency_ms,
        fill_ms=audio.fill_ms,
        device_latency_ms=audio.device_latency_ms,
        drift_ppm=audio.drift_ppm,
        voice_played_s=max(0.0, audio.played_s - before.audio.played_s),
        underruns=_grown(before.audio.underruns, audio.underruns),
        resyncs=_grown(before.audio.resyncs, audio.resyncs),
        microphone_sent_s=max(0.0, now.microphone.sent_s - before.microphone.sent_s),
        microphone_dropped=_grown(before.microphone.dropped, now.microphone.dropped),
        rtt_ms=_ms(network.rtt_s),
        loss_percent=_loss_percent(seen, heard),
        video_jitter_ms=_ms(network.video.jitter_s if network.video else None),
        voice_jitter_ms=_ms(network.voice.jitter_s if network.voice else None),
        video_buffer_ms=_ms(seen.buffered_s),
        voice_buffer_ms=_ms(heard.buffered_s),
        cpu_percent=100 * max(0.0, now.process.cpu_s - before.process.cpu_s) / span_s,
        rss_mb=now.process.rss_mb,
        pss_mb=now.process.pss_mb,
        threads=now.process.threads,
        handles=now.process.handles,
    )


@dataclass(frozen=True, slots=True)
class _Stream:
    """What one stream did between two snapshots. `buffered_s`: of each frame or sample, on average."""

    packets: int = 0
    lost: int = 0
    freezes: int | None = None
    buffered_s: float | None = None

    @classmethod
    def of(cls, before: StreamStatistics | None, now: StreamStatistics | None) -> _Stream:
        if now is None:
            return cls()
        if before is None or before.source != now.source or before.emitted > now.emitted:
            before = StreamStatistics(now.source)
        emitted = now.emitted - before.emitted
        return cls(
            packets=_grown(before.packets, now.packets),
            lost=max(0, now.lost - before.lost),  # what came late after all is taken back
            freezes=None if now.freezes is None else _grown(before.freezes or 0, now.freezes),
            buffered_s=max(0.0, now.buffered_s - before.buffered_s) / emitted if emitted else None,
        )


def _loss_percent(*streams: _Stream) -> float | None:
    lost, packets = sum(stream.lost for stream in streams), sum(stream.packets for stream in streams)
    return 100 * lost / (lost + packets) if lost + packets else None


def _grown(before: int, now: int) -> int:
    return now - before if now >= before else now


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
