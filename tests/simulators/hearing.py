"""What the avatar hears: a bounded record of every frame, and utterances cut out of it by silence."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.simulators.speech import FRAME, RATE, Samples, level_dbfs, write_wav

FRAME_S = FRAME / RATE
LOUD_DBFS = -46.0  # speech in a 10 ms frame is above, a codec's comfort noise below
LEAD_FRAMES = 15  # kept before the first loud frame, so that a soft beginning is not cut
START_FRAMES = 4  # loud ones among the last eight begin an utterance: a click does not


@dataclass(frozen=True, slots=True)
class HeardFrame:
    at: float  # time.monotonic() of arrival
    samples: Samples  # 48 kHz mono


class HeardRecord:
    """The last `limit_s` seconds that arrived."""

    def __init__(self, *, limit_s: float = 120.0) -> None:
        self._frames: deque[HeardFrame] = deque(maxlen=int(limit_s / FRAME_S))
        self.total_s = 0.0
        self.loud_s = 0.0

    def add(self, at: float, samples: Samples) -> None:
        self._frames.append(HeardFrame(at, samples))
        self.total_s += len(samples) / RATE
        if level_dbfs(samples) > LOUD_DBFS:
            self.loud_s += len(samples) / RATE

    @property
    def frames(self) -> list[HeardFrame]:
        return list(self._frames)

    def samples(self, *, since: float = 0.0) -> Samples:
        """What arrived after `since` (time.monotonic()), in one piece."""
        kept = [frame.samples for frame in self._frames if frame.at >= since]
        return np.concatenate(kept) if kept else np.zeros(0, np.int16)

    def save(self, path: Path) -> float:
        """Writes a WAV of the record; returns its length in seconds."""
        samples = self.samples()
        write_wav(path, samples)
        return len(samples) / RATE


class UtteranceDetector:
    """Gives an utterance when `silence_s` of quiet follow speech, or when it got `limit_s` long."""

    def __init__(self, *, silence_s: float = 0.3, limit_s: float = 10.0) -> None:
        self._silence_frames = max(1, round(silence_s / FRAME_S))
        self._limit_frames = round(limit_s / FRAME_S)
        self._lead: deque[Samples] = deque(maxlen=LEAD_FRAMES)
        self._recent: deque[bool] = deque(maxlen=2 * START_FRAMES)
        self._utterance: list[Samples] = []
        self._quiet = 0

    @property
    def hearing(self) -> bool:
        """True within an utterance."""
        return bool(self._utterance)

    def reset(self) -> None:
        self._lead.clear()
        self._recent.clear()
        self._utterance = []
        self._quiet = 0

    def feed(self, samples: Samples) -> Samples | None:
        """One 10 ms frame in; the finished utterance (its trailing silence cut off) out, or None."""
        loud = level_dbfs(samples) > LOUD_DBFS
        if not self._utterance:
            self._lead.append(samples)
            self._recent.append(loud)
            if sum(self._recent) >= START_FRAMES:
                self._utterance = list(self._lead)
                self._quiet = 0
            return None
        self._utterance.append(samples)
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet < self._silence_frames and len(self._utterance) < self._limit_frames:
            return None
        keep = max(1, len(self._utterance) - max(0, self._quiet - 5))
        utterance = np.concatenate(self._utterance[:keep])
        self.reset()
        return utterance
