"""Trains the network of `kiosk/persona/lips.py` on espeak-ng's voices and writes its weights.

    python -m tests.benchmarks.train_lips [FILE]

Takes two minutes on two cores. All choices are drawn from one seed; the weights still differ in their last digits from
run to run, because some of espeak-ng's voices flutter by chance. The voices and words are others than those that
`lip_accuracy` measures with.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kiosk.persona.espeak_voices import VoiceChoice
from kiosk.persona.lip_features import BANDS, LipFeatures
from kiosk.persona.lips import AFTER, BEFORE, HIDDEN, INPUTS, VISEMES, LipNetwork, default_network
from kiosk.persona.visemes import Viseme
from kiosk.persona.voice import RATE
from tests.benchmarks.lip_speech import CHUNK, Utterance, utterances, with_noise

WORDS: Final = Path(__file__).parent / "lip_words"
SEED: Final = 4
VARIANTS: Final = (
    "",
    "+m1",
    "+m2",
    "+m3",
    "+m4",
    "+m6",
    "+f1",
    "+f2",
    "+f3",
    "+f5",
    "+Annie",
    "+Mike",
    "+steph",
    "+klatt2",
)
BASES: Final = {
    "en": ("en-gb", "en-us", "en-gb-x-rp", "en-gb-scotland"),
    "de": ("de",),
    "fr": ("fr",),
    "es": ("es", "es-419"),
}
SHARE: Final = {"en": 0.45, "de": 0.3, "fr": 0.13, "es": 0.12}
UTTERANCES: Final = 700
EMPTY_ROOMS: Final = 60
EPOCHS: Final = 14
BATCH: Final = 512
STEP: Final = 2e-3
DECAY: Final = 1e-5

Floats = NDArray[np.float32]


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else default_network()
    rng = np.random.default_rng(SEED)
    inputs, wanted = _material(rng)
    print(f"{len(inputs)} frames")
    network = train(inputs, wanted, rng)
    target.parent.mkdir(parents=True, exist_ok=True)
    network.save(target)
    right = np.argmax(LipNetwork.load(target).probabilities(inputs), axis=1) == wanted
    print(f"{target}: {target.stat().st_size} bytes, {right.mean():.1%} of the training frames get their viseme")


def _material(rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    inputs, wanted = [], []
    spoken = utterances([_order(rng) for _ in range(UTTERANCES)])
    for utterance in [*(_other_throat(each, rng) for each in spoken), *(_empty_room(rng) for _ in range(EMPTY_ROOMS))]:
        seen = _features(utterance, rng)
        inputs.append(sliding_window_view(seen, BEFORE + 1 + AFTER, axis=0).transpose(0, 2, 1).reshape(-1, INPUTS))
        wanted.append([VISEMES.index(viseme) for viseme in utterance.visemes[BEFORE : len(seen) - AFTER]])
    return np.concatenate(inputs), np.concatenate(wanted)


def _order(rng: np.random.Generator) -> tuple[VoiceChoice, str]:
    language = str(rng.choice(list(SHARE), p=list(SHARE.values())))
    words = rng.choice((WORDS / f"{language}.txt").read_text(encoding="utf-8").split(), int(rng.integers(5, 14)))
    name = str(rng.choice(BASES[language])) + str(rng.choice(VARIANTS))
    choice = VoiceChoice(
        name, int(rng.integers(120, 211)), pitch=int(rng.integers(20, 81)), pitch_range=int(rng.integers(30, 71))
    )
    text = " ".join(str(word) + ("," if rng.random() < 0.12 else "") for word in words)
    return choice, text + str(rng.choice([".", "?", "!"]))


def _other_throat(utterance: Utterance, rng: np.random.Generator) -> Utterance:
    """Longer or shorter by up to a sixth, and so deeper or higher and slower or faster: a man, a woman, a child."""
    factor = float(rng.uniform(0.85, 1.18))
    samples = soxr.resample(utterance.samples.astype(np.float32), RATE, RATE * factor)
    chunks = samples.size // CHUNK
    at = np.minimum(((np.arange(chunks) + 0.5) / factor).astype(int), len(utterance.visemes) - 1)
    return Utterance(samples[: chunks * CHUNK].astype(np.int16), tuple(utterance.visemes[each] for each in at), ())


def _empty_room(rng: np.random.Generator) -> Utterance:
    """Two seconds of steady noise, of one colour or another, -80 to -45 dBFS: no mouth belongs to it."""
    size = 200 * CHUNK
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum *= np.maximum(np.fft.rfftfreq(size, 1 / RATE), 50) ** rng.uniform(-1, 0.2)
    noise = np.fft.irfft(spectrum, size)
    noise *= 32768 * 10 ** (rng.uniform(-80, -45) / 20) / np.sqrt(np.mean(noise**2))
    return Utterance(np.rint(noise).astype(np.int16), (Viseme.SIL,) * 200, ())


def _features(utterance: Utterance, rng: np.random.Generator) -> Floats:
    """As another microphone in another room would have heard it: louder or softer, brighter or duller, with noise."""
    samples = utterance.samples
    gain = 10 ** (rng.uniform(-18, 6) / 20)
    samples = np.clip(samples * gain, -32768, 32767).astype(np.int16)
    if rng.random() < 0.6:
        samples = with_noise(samples, float(rng.uniform(12, 40)), rng)
    reader = LipFeatures()
    seen = np.array([reader.push(samples[at : at + CHUNK].tobytes()) for at in range(0, samples.size, CHUNK)])
    knots = np.cumsum(rng.normal(0, 0.1, 5))
    seen[:, :BANDS] += np.interp(np.linspace(0, 4, BANDS), np.arange(5), knots - knots.mean())
    return seen


def train(inputs: Floats, wanted: NDArray[np.int64], rng: np.random.Generator) -> LipNetwork:
    """Two layers by Adam on the cross entropy."""
    mean = inputs.mean(axis=0)
    scale = (1 / (inputs.std(axis=0) + 1e-3)).astype(np.float32)
    normal = (inputs - mean) * scale
    count = len(VISEMES)
    weights = [
        rng.normal(0, INPUTS**-0.5, (INPUTS, HIDDEN)).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        rng.normal(0, HIDDEN**-0.5, (HIDDEN, count)).astype(np.float32),
        np.zeros(count, np.float32),
    ]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    step, steps = 0, EPOCHS * (len(normal) // BATCH)
    for epoch in range(EPOCHS):
        order, lost = rng.permutation(len(normal)), 0.0
        for at in range(0, len(order) - BATCH + 1, BATCH):
            some = order[at : at + BATCH]
            x, y = normal[some], wanted[some]
            hidden = np.tanh(x @ weights[0] + weights[1])
            scores = hidden @ weights[2] + weights[3]
            likely = np.exp(scores - scores.max(axis=1, keepdims=True))
            likely /= likely.sum(axis=1, keepdims=True)
            lost -= float(np.log(likely[np.arange(BATCH), y] + 1e-9).mean())
            likely[np.arange(BATCH), y] -= 1
            likely /= BATCH
            back = (likely @ weights[2].T) * (1 - hidden**2)
            slopes = [x.T @ back, back.sum(axis=0), hidden.T @ likely, likely.sum(axis=0)]
            step += 1
            rate = STEP * 0.5 * (1 + np.cos(np.pi * step / steps))
            for w, slope, m, v in zip(weights, slopes, first, second, strict=True):
                slope += DECAY * w
                m += 0.1 * (slope - m)
                v += 0.001 * (slope**2 - v)
                w -= (rate * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)).astype(np.float32)
        print(f"epoch {epoch + 1}: loss {lost / (len(order) // BATCH):.3f}", flush=True)
    return LipNetwork(mean, scale, *weights)


if __name__ == "__main__":
    main()
