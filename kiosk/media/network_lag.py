"""How much later the voice comes out of the network than the picture of the same instant, by the receiver's counters.

Without a clock that both share it is reckoned from what each waits for: the jitter buffers' own figures (W3C
webrtc-stats, `jitterBufferDelay`), the length of an Opus packet, and what the codecs hold back.
"""

from __future__ import annotations

from typing import Final

from kiosk.media.statistics import NetworkStatistics, StreamStatistics

PACKET_S: Final = 0.010  # of LiveKit's 20 ms: avatars hand over 10 ms at a time, the first half waits for the second
DECODED_S: Final = 0.005  # NetEq keeps so much of what it decoded for its overlaps
OPUS_S: Final = 0.0065  # look-ahead of the encoder (RFC 6716, 2.1.4.2)
ENCODING_S: Final = 0.010  # a picture of 720p, VP8 or H.264 in software
TYPICAL_S: Final = 0.040  # until something is known
LIKELY_S: Final = 1.0  # what is more than this is no lag but a mistake
SMOOTHING: Final = 0.3  # share of a new measurement


class NetworkLag:
    """Fed with the counters every now and then, it tells the lag since the last time, smoothed."""

    def __init__(self) -> None:
        self._before: NetworkStatistics | None = None
        self.lag_s = TYPICAL_S  # seconds, positive where the voice is later
        self._known = False

    def update(self, now: NetworkStatistics) -> float:
        """Returns `lag_s`."""
        before, self._before = self._before, now
        found = _by_capture(now)
        if found is None:
            found = _by_buffers(before or NetworkStatistics(), now)
        if found is not None and abs(found) < LIKELY_S:
            self.lag_s += (found - self.lag_s) * (SMOOTHING if self._known else 1.0)
            self._known = True
        return self.lag_s


def _by_capture(now: NetworkStatistics) -> float | None:
    """Where both streams tell when what they play now was captured, nothing has to be guessed."""
    video, voice = now.video, now.voice
    if video is None or voice is None or video.captured_s is None or voice.captured_s is None:
        return None
    return video.captured_s - voice.captured_s


def _by_buffers(before: NetworkStatistics, now: NetworkStatistics) -> float | None:
    video, voice = _buffered_s(before.video, now.video), _buffered_s(before.voice, now.voice)
    if video is None or voice is None:
        return None
    return voice + PACKET_S + DECODED_S + OPUS_S - video - ENCODING_S


def _buffered_s(before: StreamStatistics | None, now: StreamStatistics | None) -> float | None:
    """Mean time in jitter buffer and decoder, of what left it since the last time."""
    if now is None:
        return None
    known = before if before is not None and before.source == now.source else None
    emitted = now.emitted - (known.emitted if known else 0)
    spent_s = now.buffered_s + now.decoding_s - (known.buffered_s + known.decoding_s if known else 0.0)
    return spent_s / emitted if emitted > 0 else None
