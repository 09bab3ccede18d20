"""Lips for any sound: the mouth that belongs to it, read from the sound alone while it plays.

A small network sees the last tenth of a second and names the viseme of the moment before last; it was trained on
espeak-ng's voices, of which the phonemes are known to the sample (`tests/benchmarks/train_lips.py`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiosk.persona.lip_features import FEATURES, LipFeatures, Vector
from kiosk.persona.mouth import SHAPES
from kiosk.persona.visemes import MOUTH_CLASS, MouthClass, MouthShape, Viseme
from kiosk.resources import resources_dir

BEFORE: Final = 5
AFTER: Final = 2
"""Chunks of 10 ms around the one that is judged: those to come are waited for."""
INPUTS: Final = FEATURES * (BEFORE + 1 + AFTER)
HIDDEN: Final = 64
VISEMES: Final = tuple(Viseme)
DELAY_S: Final = 0.01 * AFTER
"""How much older the sound is, of which `feed` tells the viseme, than the sound it was given."""

_SHAPE_NAMES: Final = tuple(field.name for field in fields(MouthShape))
_FOLLOW: Final = 0.6  # of the way to the new shape in 10 ms: no jumps, and no more than some ms later
_LAYOUT: Final = ((INPUTS,), (INPUTS,), (INPUTS, HIDDEN), (HIDDEN,), (HIDDEN, len(VISEMES)), (len(VISEMES),))
_CLASSES: Final = tuple(MouthClass)


def default_network() -> Path:
    return resources_dir() / "lips" / "network.npy"


@dataclass(frozen=True, slots=True, eq=False)
class LipNetwork:
    """Weights: what is subtracted from the inputs and multiplied, then two layers."""

    mean: Vector
    scale: Vector
    hidden: NDArray[np.float32]
    hidden_bias: Vector
    output: NDArray[np.float32]
    output_bias: Vector

    @classmethod
    def load(cls, path: Path) -> LipNetwork:
        """Reads what `save` wrote. Raises `OSError`, and `ValueError` where the file holds something else."""
        flat = np.load(path, allow_pickle=False).astype(np.float32)
        sizes = [int(np.prod(shape)) for shape in _LAYOUT]
        if flat.shape != (sum(sizes),):
            raise ValueError(f"{path.name} holds no lip network of this version")
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        return cls(*(part.reshape(shape) for part, shape in zip(parts, _LAYOUT, strict=True)))

    def save(self, path: Path) -> None:
        parts = (self.mean, self.scale, self.hidden, self.hidden_bias, self.output, self.output_bias)
        np.save(path, np.concatenate([part.ravel() for part in parts]).astype(np.float16))

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., INPUTS) -> (..., 15): how likely each viseme is, in the order of `VISEMES`."""
        hidden = np.tanh(((inputs - self.mean) * self.scale) @ self.hidden + self.hidden_bias)
        scores = hidden @ self.output + self.output_bias
        raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)


class LipReader:
    """Fed with the sound as it plays, 10 ms at a time; one reader for one voice, from its first sound on."""

    def __init__(self, network: LipNetwork | None = None) -> None:
        """Without `network` the one of the resources is read, 30 kB; raises as `LipNetwork.load` does."""
        self._network = network or LipNetwork.load(default_network())
        self._shapes = np.array(
            [[getattr(SHAPES[viseme], name) for name in _SHAPE_NAMES] for viseme in VISEMES], dtype=np.float32
        )
        self._to_class = np.array(
            [[MOUTH_CLASS[viseme] is each for each in _CLASSES] for viseme in VISEMES], dtype=np.float32
        )
        self.reset()

    def reset(self) -> None:
        """Forgets what it heard: another utterance begins, or the sound was cleared."""
        self._features = LipFeatures()
        silence = LipFeatures().push(bytes(960))
        self._seen = deque([silence] * (BEFORE + 1 + AFTER), maxlen=BEFORE + 1 + AFTER)
        rest = [getattr(MouthShape(), name) for name in _SHAPE_NAMES]
        self._mouth: Vector = np.array(rest, dtype=np.float32)
        self.mouth_class = MouthClass.CLOSED
        """What the sound of `DELAY_S` ago looks like, before smoothing."""

    def feed(self, pcm: bytes) -> MouthShape:
        """`pcm`: the next 10 ms, s16le mono at 48 kHz. The shape is that of `DELAY_S` ago, and smooth.

        Raises `ValueError` for another length.
        """
        self._seen.append(self._features.push(pcm))
        likely = self._network.probabilities(np.concatenate(self._seen))
        self.mouth_class = _CLASSES[int(np.argmax(likely @ self._to_class))]
        self._mouth = self._mouth + np.float32(_FOLLOW) * (likely @ self._shapes - self._mouth)
        return MouthShape(*self._mouth.clip(0, 1).tolist())
