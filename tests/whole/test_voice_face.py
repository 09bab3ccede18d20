"""An agent with only a voice, as a whole process: the persona's face says what the agent says."""

from __future__ import annotations

import itertools
import signal
import time

from tests.simulators.likeness import likeness
from tests.simulators.speech import RATE, SpeechMaker
from tests.whole.desk import Desk, eventually
from tests.whole.mouth import mouth_box, openness
from tests.whole.test_visit import assert_clean

SENTENCE = "Good morning! My name is Mara. May I ask whom you have come to see?"
SHUT, OPEN = 0.05, 0.075


def test_the_face_of_a_voice_moves_its_lips(desk: Desk) -> None:
    simulator = desk.simulator("livekit", "--voice-only", "--greeting", "", "--respond", "silent")
    run = desk.kiosk(simulator, "--kiosk", "--auto-start", settings={"providers": {"livekit": {"voice_only": True}}})
    run.wait_for("the persona lends it a face")
    run.wait_for("first frame painted")
    box = mouth_box(desk.display.width, desk.display.height)

    def mouth() -> float:
        return openness(desk.display.framebuffer()[box][:, :, 0])

    eventually(lambda: mouth() < SHUT, "the face is there, with a shut mouth")
    desk.sound.start_recording("speaker.monitor")
    simulator.command("talk", text=SENTENCE)
    seen: list[bool] = []

    def speaks_and_falls_silent() -> bool:
        now = mouth()
        if now > OPEN or now < SHUT:
            seen.append(now > OPEN)
        return sum(seen) > 3 and not any(seen[-10:])

    eventually(speaks_and_falls_silent, "the mouth opens, and shuts in the end")
    changes = sum(before != after for before, after in itertools.pairwise(seen))
    time.sleep(0.5)  # what the loudspeaker still holds
    heard = desk.sound.stop_recording()
    assert run.end(signal.SIGTERM) == 0, run.log
    assert_clean(run)
    assert changes >= 4, "the mouth opens and shuts with the words"
    assert likeness(SpeechMaker().render(SENTENCE)[RATE // 2 : RATE * 3 // 2], heard) >= 0.8
    assert run.report["provider"] == "livekit"
    assert run.report["video"]["painted"] > 30
