"""A loudspeaker whose clock disagrees with the voice's, through real sound devices."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.clock_drift import play, purities
from tests.sound import SoundServer

SECONDS = 25.0
PPM = 200.0


@pytest.fixture
def server() -> Iterator[SoundServer]:
    with SoundServer() as server:
        yield server


def test_a_card_that_runs_fast_or_slow_plays_the_tone_without_a_break(server: SoundServer, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as both:
        runs = [both.submit(play, server, tmp_path, ppm, SECONDS) for ppm in (-PPM, PPM)]
        (slow, heard_slow), (fast, heard_fast) = (run.result() for run in runs)
    for told, sound in ((slow, heard_slow), (fast, heard_fast)):
        # Other programs of the machine may hold the card up for a moment. What the correction did, it did to all.
        assert told["dropped_s"] < 0.5
        assert float(np.median(purities(sound))) > 45
