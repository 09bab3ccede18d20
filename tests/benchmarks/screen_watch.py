"""When each picture came onto a screen, and how far the persona's mouth stands open in it. From outside the kiosk."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tests.display import Display
from tests.whole.mouth import mouth_box, openness

LOOK_S: Final = 0.0007
DRAWN_S: Final = 0.002  # so long a picture may be half drawn


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that was not there before."""

    t_s: float  # time.perf_counter() at which it was first seen
    doubt_s: float  # how much earlier it may have come: the time since the look before
    mouth: float  # see `openness`


class ScreenWatch:
    """A context manager that watches a display on a thread of its own. `pictures` grows."""

    def __init__(self, display: Display):
        self._screen = display.live()
        self._box = mouth_box(display.width, display.height)
        rows, columns = slice(display.height // 5, display.height * 13 // 20, 5), display.width // 4
        # Some thousand pixels of the figure, above the captions. Some of them change in every picture.
        self._signs = (rows, slice(columns, -columns, 7), 1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="screen watch")
        self.pictures: list[Shown] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def between(self, start_s: float, end_s: float) -> list[Shown]:
        return [picture for picture in list(self.pictures) if start_s <= picture.t_s < end_s]

    def _watch(self) -> None:
        before, looked_s = self._look(), time.perf_counter()
        while not self._stop.is_set():
            time.sleep(LOOK_S)
            now_s = time.perf_counter()
            if np.array_equal(self._look(), before):
                looked_s = now_s
                continue
            time.sleep(DRAWN_S)
            mouth = openness(self._screen[self._box][:, :, 2])
            self.pictures.append(Shown(now_s, now_s - looked_s, mouth))
            before, looked_s = self._look(), time.perf_counter()

    def _look(self) -> NDArray[np.uint8]:
        return self._screen[self._signs].copy()
