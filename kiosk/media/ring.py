"""A bounded pipe of PCM16 samples between two threads, without a lock: one writes, one reads."""

from __future__ import annotations

from collections.abc import Buffer
from typing import Final

SAMPLE_BYTES: Final = 2


class PcmRing:
    """s16 mono samples, first in, first out; positions count samples since the beginning and never go back.

    Exactly one thread may call the writer's methods and one the reader's. That is safe without a lock because each of
    the two counters has one writer and is stored only after the bytes that it covers were copied. The memory is
    reserved at the start, so an audio callback may call either side.
    """

    def __init__(self, capacity: int) -> None:
        """`capacity` in samples, at least 1."""
        if capacity < 1:
            raise ValueError("a ring holds at least one sample")
        self._capacity = capacity
        self._memory = memoryview(bytearray(capacity * SAMPLE_BYTES))
        self._written = 0
        self._read = 0

    @property
    def capacity(self) -> int:
        """Samples."""
        return self._capacity

    @property
    def written(self) -> int:
        """Position of the writer: samples written since the beginning."""
        return self._written

    @property
    def position(self) -> int:
        """Position of the reader: samples read or skipped since the beginning."""
        return self._read

    def available(self) -> int:
        """Samples that can be read now; a writer on another thread can only make it more."""
        return self._written - self._read

    def space(self) -> int:
        """Samples that can be written now; a reader on another thread can only make it more."""
        return self._capacity - (self._written - self._read)

    def write(self, pcm: Buffer) -> int:
        """Writer's side. Takes as many whole samples as fit and returns their number; the rest is left out."""
        source = _bytes_of(pcm)
        count = min(len(source) // SAMPLE_BYTES, self.space())
        start = self._written % self._capacity
        first = min(count, self._capacity - start)
        self._copy_in(start, source, 0, first)
        self._copy_in(0, source, first, count - first)
        self._written += count
        return count

    def read_into(self, target: Buffer) -> int:
        """Reader's side. Fills `target` from its beginning as far as there are samples and returns their number."""
        view = _bytes_of(target)
        count = min(len(view) // SAMPLE_BYTES, self.available())
        start = self._read % self._capacity
        first = min(count, self._capacity - start)
        self._copy_out(start, view, 0, first)
        self._copy_out(0, view, first, count - first)
        self._read += count
        return count

    def skip(self, count: int) -> int:
        """Reader's side. Throws away up to `count` of the oldest samples and returns how many it were."""
        gone = max(0, min(count, self.available()))
        self._read += gone
        return gone

    def skip_to(self, position: int) -> int:
        """Reader's side. Throws away everything before `position` and returns how many samples it were."""
        return self.skip(position - self._read)

    def _copy_in(self, start: int, source: memoryview, offset: int, count: int) -> None:
        if count:
            self._memory[start * SAMPLE_BYTES : (start + count) * SAMPLE_BYTES] = source[
                offset * SAMPLE_BYTES : (offset + count) * SAMPLE_BYTES
            ]

    def _copy_out(self, start: int, target: memoryview, offset: int, count: int) -> None:
        if count:
            target[offset * SAMPLE_BYTES : (offset + count) * SAMPLE_BYTES] = self._memory[
                start * SAMPLE_BYTES : (start + count) * SAMPLE_BYTES
            ]


def _bytes_of(samples: Buffer) -> memoryview:
    view = memoryview(samples)
    return view.cast("B") if view.nbytes else memoryview(b"")  # an empty array cannot be cast
