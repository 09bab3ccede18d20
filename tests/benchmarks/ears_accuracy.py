"""What the ears understand: word error rate, and how often a spoken question leads to its answer.

    python -m tests.benchmarks.ears_accuracy [--every N] [--half shown] [--pipeline echo,noise,high-pass,gain]

Speaks the English paraphrases (which do not stand in the knowledge) with espeak-ng voices, adds noise, and gives the
sound frame by frame to the ears, then the text to the finder, as the kiosk does. --every N takes each Nth question.
--half shown speaks the questions that the kiosk shows on its buttons, word for word, in place of paraphrases.
--pipeline sends the sound through the kiosk's own processing first, with these of WebRTC's stages.

right: the entry that was meant was answered.  confirmed: it was asked back ("did you mean …") and was meant.
wrong: another entry was answered.  confirm wrong: another one was asked back.  nothing: asked to repeat or to type.
false: an off-topic question was answered (asked back: not counted).  white: white noise; babble: six other voices.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np
import psutil
import soxr
from numpy.typing import NDArray

from kiosk.dialogue.knowledge_finder import SUGGESTED, Finder, Found
from kiosk.dialogue.knowledge_load import example_folder, load_knowledge
from kiosk.dialogue.local import LIKELY, SURE
from kiosk.media.echo import EchoCanceller
from kiosk.persona.ears import Final, Heard
from kiosk.persona.ears_endpoint import FRAME_BYTES
from kiosk.persona.ears_offline import FRAME_RATE, OfflineEars
from kiosk.persona.ears_sentences import spoken_words
from tests.benchmarks.knowledge_accuracy import questions

VOICES = ("en-us", "en-us+f3", "en-gb", "en-gb-x-rp+f2", "en-gb-scotland+m3")
BABBLERS = ("en-us+m1", "en-us+f1", "en-gb+m7", "en-gb+f4", "en-us+m4", "en-gb-scotland+f5")
CONDITIONS = (
    ("clean", "", 0),
    ("white", "white", 20),
    ("white", "white", 10),
    ("babble", "babble", 20),
    ("babble", "babble", 10),
)

STAGES = {
    "echo": "echo_cancellation",
    "noise": "noise_suppression",
    "high-pass": "high_pass",
    "gain": "gain_control",
}

Sound = NDArray[np.float32]


def speak(text: str, voice: str) -> Sound:
    """Mono at 48 kHz, full scale 1, with half a second of silence before and a second after."""
    command = ["espeak-ng", "-v", voice, "-s", "150", "--stdout", text]
    wave = subprocess.run(command, capture_output=True, check=True).stdout
    samples = np.frombuffer(wave[44 : 44 + (len(wave) - 44) // 2 * 2], dtype="<i2").astype(np.float32) / 32_768
    silence = np.zeros(FRAME_RATE // 2, np.float32)
    return np.concatenate([silence, soxr.resample(samples, 22_050, FRAME_RATE), silence, silence]).astype(np.float32)


def noise(kind: str, length: int, seed: int) -> Sound:
    random = np.random.default_rng(seed)
    if kind == "white":
        return random.standard_normal(length).astype(np.float32)
    mixed = np.zeros(length, np.float32)
    for voice, sound in _babblers().items():
        del voice
        mixed += np.roll(np.resize(sound, length), int(random.integers(length)))
    return mixed


_BABBLE: dict[str, Sound] = {}


def _babblers() -> dict[str, Sound]:
    if not _BABBLE:
        text = "Yesterday we walked along the river for hours and talked about old friends, gardens, music and the sea."
        _BABBLE.update({voice: speak(text, voice) for voice in BABBLERS})
    return _BABBLE


def add_noise(sound: Sound, kind: str, ratio_db: float, seed: int) -> Sound:
    if not kind:
        return sound
    other = noise(kind, len(sound), seed)
    voiced = sound[np.abs(sound) > 0.01]
    level = float(np.sqrt(np.mean(voiced**2))) / float(np.sqrt(np.mean(other**2))) * 10 ** (-ratio_db / 20)
    return np.clip(sound + other * level, -1, 1).astype(np.float32)


def processing(stages: Sequence[str]) -> EchoCanceller | None:
    """The kiosk's processing of a microphone with these of `STAGES`; None where there are none."""
    if not stages:
        return None
    switches = {switch: name in stages for name, switch in STAGES.items()}
    return EchoCanceller(**switches)


async def frames(sound: Sound, processor: EchoCanceller | None = None) -> AsyncIterator[bytes]:
    pcm = (sound * 32_000).astype("<i2").tobytes()
    for start in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = pcm[start : start + FRAME_BYTES]
        yield processor.process(memoryview(frame), 0, 0.02) if processor else frame
        if start % (FRAME_BYTES * 50) == 0:
            await asyncio.sleep(0)


async def hear(ears: OfflineEars, sound: Sound, processor: EchoCanceller | None) -> tuple[str, float]:
    """Text and confidence of all that was understood."""
    heard: list[Heard] = [event async for event in ears.listen(frames(sound, processor), "en")]
    finals = [event for event in heard if isinstance(event, Final)]
    return " ".join(event.text for event in finals), min((event.confidence for event in finals), default=0.0)


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Insertions, deletions and substitutions, at least."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said):
        before, row[0] = row[0], i + 1
        for j, other in enumerate(heard):
            before, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, before + (word != other))
    return row[-1]


def judge(finder: Finder, meant: str | None, text: str, confidence: float) -> str:
    result = finder.find(text) if text else None
    if isinstance(result, Found):
        if confidence >= SURE:
            return "right" if result.entry.id == meant else "wrong"
        return "confirmed" if result.entry.id == meant else "confirm wrong"
    if result is not None and result.nearest and result.score >= LIKELY:
        near = [entry.id for entry in result.nearest[:SUGGESTED]]
        return "confirmed" if near[0] == meant else "confirm wrong"
    return "nothing"


def clips(half: str, every: int) -> Iterator[tuple[str | None, str, str]]:
    asked, off_topic = questions("en", "held_out" if half == "shown" else half)
    if half == "shown":
        entries = load_knowledge(example_folder()).knowledge.for_language("en").entries
        asked = [(entry.id, entry.questions[0]) for entry in entries]
    for number, (meant, text) in enumerate(asked[::every]):
        yield meant, text, VOICES[number % len(VOICES)]
    for number, text in enumerate(off_topic[::every]):
        yield None, text, VOICES[number % len(VOICES)]


def _memory_mb() -> float:
    """Of the listening process, all that is mapped."""
    return sum(child.memory_info().rss for child in psutil.Process().children()) / 1e6


async def run(half: str, every: int, stages: Sequence[str], only: str, verbose: bool) -> None:
    known = load_knowledge(example_folder()).knowledge.for_language("en")
    finder, ears = Finder(known), OfflineEars()
    began = time.perf_counter()
    await ears.learn({"en": [way for entry in known.entries for way in entry.ways]})
    print(f"ready after {time.perf_counter() - began:.1f} s; the process has {_memory_mb():.0f} MB")
    spoken = [(meant, text, voice, speak(text, voice)) for meant, text, voice in clips(half, every)]
    try:
        for name, kind, ratio_db in CONDITIONS:
            if only not in name:
                continue
            processor = processing(stages)  # it adapts to the room, from one question to the next
            counts: Counter[str] = Counter()
            by_voice: Counter[tuple[str, bool]] = Counter()
            errors = words = 0
            began = time.perf_counter()
            for number, (meant, text, voice, sound) in enumerate(spoken):
                heard, confidence = await hear(ears, add_noise(sound, kind, ratio_db, number), processor)
                verdict = judge(finder, meant, heard, confidence)
                if verbose:
                    print(f"    {verdict:13} {confidence:.2f} {voice:18} {text!r} -> {heard!r}")
                if meant is None:
                    counts["off topic"] += 1
                    counts["false"] += verdict == "wrong"
                    continue
                counts[verdict] += 1
                counts["asked"] += 1
                by_voice[voice, verdict in ("right", "confirmed")] += 1
                errors += word_errors(spoken_words(text), spoken_words(heard))
                words += len(spoken_words(text))
            shares = "  ".join(
                f"{verdict} {counts[verdict] / counts['asked']:.0%}"
                for verdict in ("right", "confirmed", "wrong", "confirm wrong", "nothing")
            )
            label = f"{name} {ratio_db} dB" if kind else name
            print(f"{label:13} WER {errors / words:4.0%}  {shares}  false {counts['false'] / counts['off topic']:.0%}")
            for voice in VOICES:
                total = by_voice[voice, True] + by_voice[voice, False]
                print(f"              {voice:18} right or confirmed {by_voice[voice, True]}/{total}")
            length = sum(len(sound) for *_, sound in spoken) / FRAME_RATE
            print(f"              {(time.perf_counter() - began) / length:.2f} s of work for each second of sound")
    finally:
        await ears.aclose()


def stage_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(STAGES):
        raise argparse.ArgumentTypeError(f"{unknown.pop()} is none of {', '.join(STAGES)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--half", choices=("tune", "held_out", "shown"), default="held_out")
    parser.add_argument("--pipeline", type=stage_names, default=(), metavar="STAGE,…", help=", ".join(STAGES))
    parser.add_argument("--only", default="", choices=("", "clean", "white", "babble"), help="one kind of sound")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.half, arguments.every, arguments.pipeline, arguments.only, arguments.verbose))


if __name__ == "__main__":
    main()
