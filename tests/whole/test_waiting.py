"""Whoever touches the kiosk sees a face at once, although the vendor takes its time: as a whole process."""

from __future__ import annotations

import signal
import time

import numpy as np

from tests.simulators.frame_code import FrameCode
from tests.touch import Finger
from tests.whole.desk import Desk, eventually

WIDTH, HEIGHT = 640, 480
SLOW_S = 4.0


def test_a_face_covers_the_wait_and_the_fallback_carries_on(desk: Desk) -> None:
    simulator = desk.simulator("deepbrain", "--avatar-size", f"{WIDTH}x{HEIGHT}", "--frame-code", "--greeting", "")
    run = desk.kiosk(simulator, "--windowed", f"{WIDTH}x{HEIGHT}", settings={"session": {"welcome": False}})
    run.wait_for("company ready")
    code = FrameCode(WIDTH, HEIGHT)

    def face() -> bytes:
        """The middle of the picture, as bytes to compare."""
        return desk.display.region(WIDTH * 3 // 8, HEIGHT // 4, WIDTH // 4, HEIGHT // 4).tobytes()

    def avatar() -> bool:
        luma = np.ascontiguousarray(desk.display.region(0, 0, WIDTH, HEIGHT)[:, :, 1])
        reading = code.read(luma)
        return reading is not None and reading.number > 0

    simulator.command("fail", endpoint="start", delay_s=SLOW_S)
    with Finger(desk.display) as finger:
        began_s = finger.touch(WIDTH // 2, HEIGHT // 2)
        seen: set[bytes] = set()

        def moves() -> bool:
            seen.add(face())
            return len(seen) > 8

        eventually(moves, "somebody moves")
        if time.perf_counter() - began_s < SLOW_S - 1.0:  # else the machine was too busy to tell
            assert not simulator.status()["sessions"], "long before the vendor answered"
            assert not avatar()
        eventually(avatar, "the avatar took over")
        finger.key("Escape")
        eventually(lambda: simulator.status()["open_sessions"] == 0, "the visit is over")
        run.wait_for("Session ended")
        # The vendor fails for good: the persona that waited begins to speak.
        simulator.command("fail", endpoint="start", status=503, body={}, times=9)

        def begins_again() -> bool:
            finger.touch(WIDTH // 2, HEIGHT // 2)
            return any("persona ready" in line for line in run.lines)

        eventually(begins_again, "the fallback takes over")
    eventually(lambda: sum("on air" in line for line in run.lines) == 2, "the persona speaks")
    assert run.end(signal.SIGTERM) == 1, "the vendor's fault is in the report"
    phases = run.phases()
    assert phases[:4] == ["attract", "connecting", "live", "goodbye"]
    assert "fallback" in phases
    assert run.report["providers"] == ["deepbrain", "local"]
    assert_clean_but_for(run.lines, "503", "deepbrain")


def assert_clean_but_for(lines: list[str], *known: str) -> None:
    left = [line for line in lines if not any(word in line for word in known)]
    assert not [line for line in left if "Traceback" in line or " ERROR " in line or "was never awaited" in line], left
