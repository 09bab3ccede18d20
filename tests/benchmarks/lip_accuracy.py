"""How often the lips read from the sound agree with espeak-ng's own phonemes, against a mouth that follows loudness.

    python -m tests.benchmarks.lip_accuracy [FILE]

Fifty English and 25 German sentences, in voices that the network was not trained on, clean and with a room's noise
20 dB below them. Every 10 ms counts, pauses too; a second figure leaves out what is silent by its phoneme. The mouth by
loudness is the best there is: its thresholds, its smoothing and whether it follows the level of the voice are fitted to
the very sentences that it is measured with, while the network has met none of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiosk.persona.espeak_voices import VoiceChoice
from kiosk.persona.lip_features import BANDS, LipFeatures
from kiosk.persona.lips import AFTER, LipNetwork, LipReader, default_network
from kiosk.persona.mouth import mouth_at
from kiosk.persona.visemes import MOUTH_CLASS, MouthClass, Viseme
from tests.benchmarks.lip_sentences import ENGLISH, GERMAN
from tests.benchmarks.lip_speech import CHUNK, Utterance, utterances, with_noise

CLASSES: Final = tuple(MouthClass)
NOISE_DB: Final = 20.0
ENGLISH_VOICES: Final = ("en-gb+f4", "en-us+m7", "en-us+linda", "en-gb+m5")
GERMAN_VOICES: Final = ("de+f4", "de+m7")

Classes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of 10 ms frames, 0 to 1; `by_class` is the share found of each class by the lips."""

    lips: float
    lips_in_speech: float
    loudness: float
    loudness_in_speech: float
    by_class: dict[MouthClass, float]
    delay_ms: float
    cpu_ms: float
    frames: int = field(default=0)


def english(sentences: Sequence[str] = ENGLISH) -> list[Utterance]:
    return _spoken(sentences, ENGLISH_VOICES)


def german(sentences: Sequence[str] = GERMAN) -> list[Utterance]:
    return _spoken(sentences, GERMAN_VOICES)


def _spoken(sentences: Sequence[str], voices: Sequence[str]) -> list[Utterance]:
    return utterances([(VoiceChoice(voices[at % len(voices)]), text) for at, text in enumerate(sentences)])


def noisy(spoken: Sequence[Utterance], snr_db: float = NOISE_DB) -> list[Utterance]:
    rng = np.random.default_rng(20)
    return [replace(each, samples=with_noise(each.samples, snr_db, rng)) for each in spoken]


def measure(spoken: Sequence[Utterance], network: LipNetwork) -> Accuracy:
    """Each sentence is read by a new reader, as at the beginning of a visit."""
    true, silent, read, opened = [], [], [], []
    spent, fed = 0.0, 0
    for utterance in spoken:
        reader = LipReader(network)
        padded = np.concatenate([utterance.samples, np.zeros(AFTER * CHUNK, np.int16)])
        chunks = [padded[at : at + CHUNK].tobytes() for at in range(0, padded.size, CHUNK)]
        classes, mouths = [], []
        began = time.process_time()
        for chunk in chunks:
            mouths.append(reader.feed(chunk).open)
            classes.append(reader.mouth_class)
        spent += time.process_time() - began
        fed += len(chunks)
        read.append([CLASSES.index(each) for each in classes[AFTER:]])
        true.append([CLASSES.index(MOUTH_CLASS[viseme]) for viseme in utterance.visemes])
        silent.append([viseme is Viseme.SIL for viseme in utterance.visemes])
        opened.append(mouths)
    wanted, found, speech = np.concatenate(true), np.concatenate(read), ~np.concatenate(silent)
    loudness = _loudness_mouth(spoken, wanted)
    return Accuracy(
        lips=float(np.mean(found == wanted)),
        lips_in_speech=float(np.mean((found == wanted)[speech])),
        loudness=float(np.mean(loudness == wanted)),
        loudness_in_speech=float(np.mean((loudness == wanted)[speech])),
        by_class={each: float(np.mean((found == at)[wanted == at])) for at, each in enumerate(CLASSES)},
        delay_ms=_delay_ms(spoken, opened),
        cpu_ms=1000 * spent / fed,
        frames=wanted.size,
    )


def _loudness_mouth(spoken: Sequence[Utterance], wanted: Classes) -> Classes:
    """Closed, narrow and open by two thresholds: the best of all that are 0.5 dB apart."""
    best, best_score = np.zeros_like(wanted), -1
    for feature in (BANDS, BANDS + 1):  # against the level of the voice, and absolute
        for width in (1, 3, 5):
            level = np.concatenate([_loudness(each, feature, width) for each in spoken])
            order = np.argsort(level)
            edges = np.arange(level.min(), level.max(), 0.5 / 30)
            sums = {
                each: np.concatenate([[0], np.cumsum(wanted[order] == CLASSES.index(each))])
                for each in (MouthClass.CLOSED, MouthClass.NARROW, MouthClass.OPEN)
            }
            at = np.searchsorted(level[order], edges)
            # Right when the first threshold is edge i and the second is edge j >= i.
            scores = (sums[MouthClass.CLOSED][at] - sums[MouthClass.NARROW][at])[:, None] + (
                sums[MouthClass.NARROW][at] + sums[MouthClass.OPEN][-1] - sums[MouthClass.OPEN][at]
            )[None, :]
            scores[np.tril_indices(len(edges), -1)] = -1
            low, high = np.unravel_index(np.argmax(scores), scores.shape)
            if scores[low, high] > best_score:
                best_score = int(scores[low, high])
                closed, narrow, opened = (CLASSES.index(each) for each in sums)
                best = np.where(level < edges[low], closed, np.where(level < edges[high], narrow, opened))
    return best


def _loudness(utterance: Utterance, feature: int, width: int) -> NDArray[np.float64]:
    reader = LipFeatures()
    padded = np.concatenate([utterance.samples, np.zeros(CHUNK, np.int16)])
    seen = [reader.push(padded[at : at + CHUNK].tobytes())[feature] for at in range(0, padded.size, CHUNK)]
    # The window of a feature ends with its chunk, so the next one's is centred better.
    centred = (np.array(seen[:-1]) + np.array(seen[1:])) / 2
    return np.convolve(np.pad(centred, width // 2, mode="edge"), np.ones(width) / width, mode="valid")


def _delay_ms(spoken: Sequence[Utterance], opened: Sequence[Sequence[float]]) -> float:
    """By how much the jaw as shown is behind the jaw as its phonemes ask for it: the shift at which both agree best."""
    shown = np.concatenate([np.array(each) for each in opened])
    best, best_fit = 0, -1.0
    for delay_ms in range(0, 81, 2):
        due = [
            mouth_at(utterance.cues, (at + 1) / 100 - delay_ms / 1000).open
            for utterance, mouths in zip(spoken[:8], opened, strict=False)
            for at in range(len(mouths))
        ]
        fit = float(np.corrcoef(shown[: len(due)], due)[0, 1])
        if fit > best_fit:
            best, best_fit = delay_ms, fit
    return float(best)


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default_network()
    network = LipNetwork.load(path)
    for title, clean in (("English", english()), ("German", german())):
        for condition, spoken in (("clean", clean), (f"noise at {NOISE_DB:g} dB", noisy(clean))):
            got = measure(spoken, network)
            classes = ", ".join(f"{each} {share:.0%}" for each, share in got.by_class.items())
            print(
                f"{title}, {condition}: lips {got.lips:.1%}, loudness {got.loudness:.1%}, "
                f"ahead by {100 * (got.lips - got.loudness):.1f} points; "
                f"in speech {got.lips_in_speech:.1%} and {got.loudness_in_speech:.1%}\n"
                f"    {classes}\n"
                f"    {got.frames} frames, {got.delay_ms:g} ms behind the sound, {got.cpu_ms:.3f} ms of CPU for 10 ms"
            )


if __name__ == "__main__":
    main()
