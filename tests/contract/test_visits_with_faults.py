"""Visits at each vendor's desk with faults injected at random; the thousand are a benchmark of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.thousand_visits import marathon
from tests.benchmarks.visit_desks import DESKS

VISITS = 20


@pytest.mark.parametrize("name", DESKS)
async def test_nothing_is_left_behind(name: str, tmp_path: Path, expected_log: Callable[[str], None]) -> None:
    expected_log("kiosk")  # faults are logged; an exception that nobody foresaw is counted
    outcome = await marathon(name, VISITS, seed=7, folder=tmp_path)
    assert outcome.faults == 0, outcome.line()
    assert outcome.visits == VISITS
    assert outcome.live >= VISITS // 3
    assert outcome.sessions >= outcome.live
