"""Makes the README's pictures from real runs: `python -m tests.benchmarks.pictures FOLDER`.

persona.png and persona.gif show `kiosk run` with default settings after a question is chosen, live.png a simulated
vendor's avatar in a real room. All are read off an X server's framebuffer.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.benchmarks.spoken import press
from tests.display import Display
from tests.sound import SoundServer
from tests.whole.desk import Desk, eventually
from tests.whole.test_persona import speaks, start

THIRD_CHIP = ("Tab", "Tab", "Tab", "space")
GIF_FRAMES, GIF_FPS, GIF_WIDTH = 40, 10, 480


def persona(desk: Desk, folder: Path) -> None:
    run = start(desk, "--kiosk", "--auto-start")
    run.wait_for("first frame painted")
    eventually(lambda: speaks(desk), "the greeting")
    eventually(lambda: not speaks(desk), "the end of the greeting", 30)
    press(desk, *THIRD_CHIP)
    eventually(lambda: speaks(desk), "the answer", 30)
    time.sleep(1.5)
    desk.display.save_png(folder / "persona.png")
    frames = []
    for _ in range(GIF_FRAMES):
        due = time.perf_counter() + 1 / GIF_FPS
        picture = Image.fromarray(desk.display.framebuffer())
        frames.append(picture.resize((GIF_WIDTH, GIF_WIDTH * picture.height // picture.width)))
        time.sleep(max(0.0, due - time.perf_counter()))
    palette = [frame.quantize(96) for frame in frames]
    palette[0].save(
        folder / "persona.gif",
        save_all=True,
        append_images=palette[1:],
        duration=1000 // GIF_FPS,
        loop=0,
        optimize=True,
    )
    if run.end(signal.SIGTERM) != 0:
        raise SystemExit(run.log)


def live(desk: Desk, folder: Path) -> None:
    simulator = desk.simulator("deepbrain", "--avatar-size", "1280x720", "--caption", "simulated avatar")
    run = desk.kiosk(simulator, "--kiosk", "--auto-start")
    run.wait_for("first frame painted")
    eventually(lambda: speaks(desk), "the greeting")
    time.sleep(2)
    desk.display.save_png(folder / "live.png")
    if run.end(signal.SIGTERM) != 0:
        raise SystemExit(run.log)
    simulator.stop()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for take in (persona, live):
        with Display(1280, 720) as display, SoundServer() as sound, tempfile.TemporaryDirectory() as home:
            take(Desk(display, sound, Path(home)), folder)


if __name__ == "__main__":
    main()
