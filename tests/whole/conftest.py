"""Screen and sound for whole processes; a desk for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.display import Display
from tests.sound import SoundServer
from tests.whole.desk import Desk


@pytest.fixture(scope="session")
def desk_display() -> Iterator[Display]:
    with Display(1280, 800) as running:
        yield running


@pytest.fixture
def desk_sound() -> Iterator[SoundServer]:
    """Anew for each test: some unplug devices."""
    with SoundServer() as running:
        yield running


@pytest.fixture
def desk(desk_display: Display, desk_sound: SoundServer, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(desk_display, desk_sound, tmp_path)
    yield desk
    desk.close()
