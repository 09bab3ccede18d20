"""Lips against voice where they come out: `python -m tests.benchmarks.lips_and_voice [--minutes 10]`.

The kiosk's own persona speaks, as a whole process with default settings, on an X server and a sound server of its own.
The mouth is read off the screen's pixels and the voice off the loudspeaker's monitor, both on one clock. What the mouth
should look like at every moment of the voice is known, for the sentences are. For every second of speech the shift is
sought at which the mouth on the screen is most like the one that it should be; positive where the lips are later.

A picture stands for a thirtieth of a second: its *begin* is when it appears, its *middle* half of that later. Beside
the offsets: how evenly pictures come, and what the process takes of the processor. Prints one JSON object, times in
milliseconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from kiosk.persona.sound_clock import TICK_S
from kiosk.persona.voice import RATE
from tests.benchmarks.screen_watch import ScreenWatch, Shown
from tests.benchmarks.spoken import Spoken, press, spoken, write_knowledge
from tests.benchmarks.voice_watch import VoiceWatch
from tests.display import Display
from tests.simulators.likeness import correlate
from tests.sound import SoundServer
from tests.whole.desk import Desk, eventually

WIDTH, HEIGHT, FPS = 1280, 800, 30
IDLE_S = 30.0
WINDOW_S = 1.0
LOUD = 600  # of 32767
PIECE = RATE // 10  # samples
SLACK = RATE // 25  # how much the voice may move within a second, in samples
DOUBT_S = 0.004  # a picture whose coming is not known that well is left out
ALIKE = 0.85  # correlation below which a second of speech says nothing, mostly for want of movement
MOVING = 0.015  # standard deviation of the mouth's openness
SHIFTS_S = np.arange(-0.2, 0.2005, 0.001)


@dataclass
class Course:
    """What happened: times are `time.perf_counter` seconds."""

    asked_s: list[float] = field(default_factory=list)
    speaking: list[tuple[float, float]] = field(default_factory=list)
    idle: tuple[float, float] = (0.0, 0.0)
    speaking_cpu: list[float] = field(default_factory=list)  # shares of one core
    idle_cpu: float = 0.0
    idle_threads: list[float] = field(default_factory=list)  # the busiest first; drawing is the busiest


def perform(desk: Desk, voice: VoiceWatch, minutes: float) -> Course:
    """Has the persona answer again and again, then leaves it alone for a while."""
    knowledge = desk.folder / "knowledge"
    write_knowledge(knowledge)
    settings = {
        "session": {"provider": "local", "max_visit_s": 80_000, "idle_s": 3_600},
        "view": {"text_scale": 0.8},  # captions that reach up to the mouth would be taken for it
        "providers": {"local": {"knowledge": str(knowledge), "ears": False}},
    }
    run = desk.kiosk(None, "--kiosk", "--auto-start", settings=settings)
    run.wait_for("first frame painted")
    eventually(lambda: loud(voice), "the greeting")
    eventually(lambda: not loud(voice), "the end of the greeting", 30)
    process, course = psutil.Process(run.process.pid), Course()
    while sum(end - begin for begin, end in course.speaking) < 60 * minutes:
        course.asked_s.append(time.perf_counter())
        press(desk, *("Tab", "space") if len(course.asked_s) == 1 else ("space",))  # the button keeps the focus
        eventually(lambda: loud(voice), "the answer", 30)
        began, used = time.perf_counter(), cpu_s(process)
        eventually(lambda: not loud(voice), "the end of the answer", 180)
        ended = time.perf_counter()
        course.speaking.append((began, ended))
        course.speaking_cpu.append((cpu_s(process) - used) / (ended - began))
    began, used, before = time.perf_counter(), cpu_s(process), thread_s(process)
    time.sleep(IDLE_S)
    course.idle = (began, time.perf_counter())
    course.idle_cpu = (cpu_s(process) - used) / IDLE_S
    shares = [(spent - before.get(thread, 0.0)) / IDLE_S for thread, spent in thread_s(process).items()]
    course.idle_threads = sorted(shares, reverse=True)
    if run.end(signal.SIGTERM) != 0:
        raise SystemExit(run.log)
    return course


def loud(voice: VoiceWatch) -> bool:
    return bool(np.abs(voice.last(1.2).astype(np.int32)).max(initial=0) > LOUD)


def cpu_s(process: psutil.Process) -> float:
    """Of the whole tree, so far."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def thread_s(process: psutil.Process) -> dict[int, float]:
    return {thread.id: thread.user_time + thread.system_time for thread in process.threads()}


def offsets(voice: VoiceWatch, screen: ScreenWatch, asked_s: Sequence[float], said: Spoken) -> list[float]:
    """Seconds by which the begin of the pictures is later than their voice, one for each second that says something."""
    heard = voice.samples.astype(np.float64)
    original = said.samples.astype(np.float64)
    found: list[float] = []
    for asked in asked_s:
        at = voice.sample_at(asked)
        start = at + int(np.argmax(correlate(original[: 2 * RATE], heard[at : at + 6 * RATE])))
        size = int(WINDOW_S * RATE)
        for begin in range(0, len(original) - size, size):
            start += moved(original[begin : begin + size], heard[start + begin - SLACK : start + begin + size + SLACK])
            sounds_s = voice.at_s(start + begin)
            shift = lag(screen.between(sounds_s, sounds_s + WINDOW_S), sounds_s, begin / RATE, said.curve)
            if shift is not None:
                found.append(shift)
    return found


def moved(original: NDArray[np.float64], heard: NDArray[np.float64]) -> int:
    """By how many samples a stretch of voice is later than `SLACK` after the beginning of what was heard.

    The drift control bends the sound, so short pieces are compared, and a vowel is like itself a period later: so all
    of the pieces vote.
    """
    votes = np.zeros(2 * SLACK + 1)
    for begin in range(0, len(original) - PIECE + 1, PIECE):
        piece = original[begin : begin + PIECE]
        if np.abs(piece).max() > LOUD:
            votes += correlate(piece, heard[begin : begin + PIECE + 2 * SLACK]) ** 3
    return int(np.argmax(votes)) - SLACK if votes.any() else 0


def lag(pictures: Sequence[Shown], sounds_s: float, media_s: float, curve: NDArray[np.float64]) -> float | None:
    """How much later than the curve the pictures' mouths are. The voice is at `media_s` of the curve at `sounds_s`."""
    sure = [picture for picture in pictures if picture.doubt_s < DOUBT_S]
    if len(sure) < WINDOW_S * FPS * 0.7:
        return None
    mouth = np.array([picture.mouth for picture in sure])
    media = np.array([picture.t_s for picture in sure]) - sounds_s + media_s
    wanted = np.interp(media - SHIFTS_S[:, None], np.arange(len(curve)) * TICK_S, curve)
    wanted -= wanted.mean(axis=1, keepdims=True)
    spread = np.sqrt((wanted**2).mean(axis=1))
    if mouth.std() < MOVING or spread.min() < MOVING:
        return None
    like = (wanted * (mouth - mouth.mean())).mean(axis=1) / (spread * mouth.std())
    best = int(np.argmax(like))
    return float(SHIFTS_S[best]) if like[best] >= ALIKE and 0 < best < len(SHIFTS_S) - 1 else None


def intervals_ms(screen: ScreenWatch, spans: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Between pictures whose coming is well known."""
    gaps: list[float] = []
    for begin, end in spans:
        pictures = screen.between(begin, end)
        gaps += [
            (after.t_s - before.t_s) * 1000
            for before, after in itertools.pairwise(pictures)
            if max(before.doubt_s, after.doubt_s) < DOUBT_S
        ]
    return {
        "mean": round(float(np.mean(gaps)), 2),
        "std": round(float(np.std(gaps)), 2),
        "p99": round(float(np.percentile(gaps, 99)), 1),
        "pictures": len(gaps),
    }


def summary(shifts_s: Sequence[float], later_ms: float = 0.0) -> dict[str, float]:
    shifts = np.array(shifts_s) * 1000 + later_ms
    return {
        "abs_p50": round(float(np.percentile(np.abs(shifts), 50)), 1),
        "abs_p95": round(float(np.percentile(np.abs(shifts), 95)), 1),
        "median": round(float(np.median(shifts)), 1),
        "std": round(float(np.std(shifts)), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of speech")
    minutes = parser.parse_args().minutes
    said = spoken(WIDTH, HEIGHT)
    with Display(WIDTH, HEIGHT) as display, SoundServer() as sound, tempfile.TemporaryDirectory() as folder:
        desk = Desk(display, sound, Path(folder))
        try:
            with VoiceWatch(sound) as voice, ScreenWatch(display) as screen:
                course = perform(desk, voice, minutes)
        finally:
            desk.close()
        shifts = offsets(voice, screen, course.asked_s, said)
        doubtful = sum(picture.doubt_s >= DOUBT_S for picture in screen.pictures) / len(screen.pictures)
    print(
        json.dumps(
            {
                "speech_s": round(sum(end - begin for begin, end in course.speaking)),
                "seconds_measured": len(shifts),
                "picture_begins": summary(shifts),
                "picture_middle": summary(shifts, 500 / FPS),
                "interval_speaking": intervals_ms(screen, course.speaking),
                "interval_idle": intervals_ms(screen, [course.idle]),
                "cpu_speaking": round(float(np.mean(course.speaking_cpu)), 3),
                "cpu_idle": round(course.idle_cpu, 3),
                "cpu_idle_threads": [round(share, 3) for share in course.idle_threads[:4]],
                "pictures_left_out": round(doubtful, 3),
                "cores": os.cpu_count(),
                "load_1min": round(os.getloadavg()[0], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
