"""What a frame of the persona costs: `python -m tests.benchmarks.bench_persona_painter [PERSONA]`.

Milliseconds of processor time, all threads together, of behaviour, lips and painting; and the share of one core at 30
frames a second. Every frame differs: the persona speaks, breathes and moves. The
best of four rounds of two seconds counts, for other programs disturb.
"""

from __future__ import annotations

import sys
import time

from kiosk.persona.behaviour import Behaviour
from kiosk.persona.face import Mood
from kiosk.persona.look import load_look
from kiosk.persona.mouth import mouth_at
from kiosk.persona.painter import FacePainter
from kiosk.persona.visemes import Viseme, VisemeCue
from kiosk.resources import resources_dir

SIZES = ((640, 360), (1280, 720), (720, 1280), (1920, 1080), (1080, 1920), (3840, 2160))
FRAMES, ROUNDS = 60, 4


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "mara"
    look = load_look(resources_dir() / "personas" / f"{name}.toml")
    order = list(Viseme)
    cues = [VisemeCue(0.09 * k, 0.09 * (k + 1), order[(k * 7) % len(order)]) for k in range(200)]
    print(f"{name}: picture, making ms, frame ms (processor), share of one core at 30 fps")
    for width, height in SIZES:
        began = time.perf_counter()
        painter, behaviour = FacePainter(look, width, height), Behaviour(1)
        made = time.perf_counter() - began
        costs = []
        for k in range(ROUNDS * FRAMES):
            t = k / 30
            used = time.process_time()
            painter.paint(behaviour.state(t, Mood.SPEAKING, mouth_at(cues, t), 0.5 + 0.5 * (k % 11 < 4)))
            costs.append(time.process_time() - used)
        cost = min(sum(costs[k * FRAMES : (k + 1) * FRAMES]) / FRAMES for k in range(ROUNDS))
        print(f"{width}x{height}: {1000 * made:.0f}, {1000 * cost:.2f}, {100 * 30 * cost:.0f} %")


if __name__ == "__main__":
    main()
