"""A jitter buffer with a clock: sound that comes in fits and starts goes out evenly, 10 ms at a time.

For sources that hand on what the network delivers when it delivers it. How much is gathered before a voice begins
follows what the network needs: each gap within a voice adds a little. What was gathered too much, or came too fast
because two clocks differ, is made up for in quiet moments, so that no word is cut.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from kiosk.media.levels import level_dbfs

TICK_S: Final = 0.01
SHORTEST_S: Final = 0.04
LONGEST_S: Final = 0.2  # more than this is a pause for the ear, not a delay
STEP_S: Final = 0.02  # for each gap
SLACK_S: Final = 0.04
KEPT_S: Final = 1.0  # more than this is never kept: the oldest goes
PAUSE_S: Final = 0.5  # dry for so long: the voice had ended, that was no gap
QUIET_DBFS: Final = -50.0


class PacedVoice:
    """`put` as it comes, `tick` every 10 ms. Not thread-safe."""

    def __init__(self, rate: int, channels: int):
        """`rate` in Hz; s16le interleaved."""
        self._tick_bytes = 2 * channels * rate // 100
        self._chunks: deque[bytes] = deque(maxlen=round(KEPT_S / TICK_S))
        self._rest = b""
        self._target_s = SHORTEST_S
        self._playing = False
        self._dry_s = PAUSE_S
        self.gaps = 0

    @property
    def target_s(self) -> float:
        """How long sound waits here, in seconds."""
        return self._target_s

    @property
    def waiting_s(self) -> float:
        return len(self._chunks) * TICK_S

    def put(self, pcm: bytes) -> None:
        """Any number of whole samples."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % self._tick_bytes
        self._chunks.extend(pcm[at : at + self._tick_bytes] for at in range(0, whole, self._tick_bytes))
        self._rest = pcm[whole:]

    def tick(self) -> bytes | None:
        """The next 10 ms; None where there is nothing to be played."""
        if not self._playing:
            self._dry_s += TICK_S
            if self.waiting_s < self._target_s:
                return None
            if self._dry_s < PAUSE_S:
                self.gaps += 1
                self._target_s = min(LONGEST_S, self._target_s + STEP_S)
            self._playing = True
        if not self._chunks:
            self._playing, self._dry_s = False, 0.0
            return None
        chunk = self._chunks.popleft()
        if self.waiting_s > self._target_s + SLACK_S and level_dbfs(chunk) < QUIET_DBFS:
            chunk = self._chunks.popleft()  # a moment of silence less
        return chunk

    def clear(self) -> None:
        """What waits is dropped; the next voice begins anew."""
        self._chunks.clear()
        self._rest = b""
        self._playing, self._dry_s = False, PAUSE_S
