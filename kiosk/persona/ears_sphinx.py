"""PocketSphinx with its English model, told what to expect. To be used in the listening process alone."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from kiosk.persona.ears_sentences import (
    dictionary_lines,
    sentence_graph,
    training_sentences,
    whole_sentences,
    word_of,
)

RATE = 16_000  # Hz

_LANGUAGE_WEIGHT = 10.0
_INSERTION_PENALTY = 0.3
_FREELY, _WHOLE = "freely", "whole"  # the two ways of listening
_FAINTEST = 1e-300  # of a score, which is the logarithm of nothing less

_SHORTEST = 3
"""Words of a known sentence that may be taken for what was said; shorter ones sound like too much else."""

_NEAR = 0.85
"""By how much a known sentence may fit the sound worse than words in any order, as the logarithm of likelihood for
each 10 ms. Chosen, like the next two, on the `tune` half of tests/benchmarks/paraphrases."""

_SHARED_PERHAPS, _SHARED_SURELY = 0.3, 0.65
"""The part of its words that were also heard in any order: in noise every sentence fits the sound equally badly."""

_PERHAPS, SURELY = 0.6, 0.95
"""Confidence in such a sentence: to be asked back, and to be answered."""


_ROOM_NOISE = 10 ** (-28 / 20)  # of the speech's level
_BLOCK = RATE // 50  # samples


def with_room_noise(pcm: bytes) -> bytes:
    """s16le samples with a trace of white noise, the same each time.

    The model was trained on recordings from rooms: after a noise suppressor, which leaves digital silence between the
    words, it understands a third less.
    """
    sound = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32)
    blocks = sound[: len(sound) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    if not len(blocks):
        return pcm
    speech = float(np.percentile(np.sqrt(np.mean(blocks**2, axis=1)), 90))
    noise = np.random.default_rng(0).standard_normal(len(sound), dtype=np.float32)
    return np.clip(sound + noise * speech * _ROOM_NOISE, -32_768, 32_767).astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class _Hearing:
    """`fit`: the logarithm of the sound's likelihood. `confidence`: the mean posterior probability of the words."""

    words: tuple[str, ...]
    text: str
    confidence: float
    fit: float
    frames: int  # 10 ms each

    @classmethod
    def of(cls, decoder: Any) -> Self | None:
        hypothesis = decoder.hyp()
        if hypothesis is None:
            return None
        segments = list(decoder.seg())
        # Fillers are written <sil>, [NOISE]; a variant of a pronunciation as where(2).
        spoken = [segment for segment in segments if segment.word[:1] not in "<[+("]
        confidence = sum(segment.prob for segment in spoken) / len(spoken) if spoken else 0.0
        return cls(
            tuple(segment.word.split("(")[0] for segment in spoken),
            str(hypothesis.hypstr),
            min(max(float(confidence), 0.0), 1.0),
            sum(math.log(max(segment.ascore, _FAINTEST)) for segment in segments),
            segments[-1].end_frame + 1 if segments else 1,
        )


class SphinxRecogniser:
    """Listens twice: for the words of the sentences in any likely order, and for one of the sentences as a whole.

    A sentence that fits the sound hardly worse is what was said: visitors read the questions from the screen. Raises
    `RuntimeError` where the library does not take model, dictionary or graph.
    """

    def __init__(self, sentences: list[str]):
        import pocketsphinx
        from pocketsphinx.lm import ArpaBoLM

        pocketsphinx.set_loglevel("FATAL")
        lines = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8").splitlines()
        training = training_sentences(sentences, {word_of(line) for line in lines})
        model = ArpaBoLM()
        model.read_corpus([f"<s> {' '.join(words)} </s>" for words in training])
        model.compute()
        dictionary = dictionary_lines(lines, training)
        vocabulary = {word_of(line) for line in dictionary}
        self.words = len(vocabulary)
        self._whole = frozenset(whole_sentences(sentences, vocabulary))
        with tempfile.TemporaryDirectory(prefix="kiosk-ears-") as folder:
            arpa, words = Path(folder, "desk.arpa"), Path(folder, "desk.dict")
            with arpa.open("w", encoding="utf-8") as file:
                model.write(file)
            words.write_text("\n".join(dictionary) + "\n", encoding="utf-8")
            self._decoder: Any = pocketsphinx.Decoder(
                samprate=RATE, lm=None, dict=str(words), lw=_LANGUAGE_WEIGHT, wip=_INSERTION_PENALTY
            )
            self._decoder.add_lm_file(_FREELY, str(arpa))
        if self._whole:
            arcs, last = sentence_graph(sorted(self._whole))
            self._decoder.add_fsg(_WHOLE, self._decoder.create_fsg(_WHOLE, 0, last, arcs))

    def recognise(self, pcm: bytes) -> tuple[str, float]:
        """The words, and how sure they are, 0 to 1; an empty text where nothing was understood."""
        if len(pcm) < RATE // 5:  # 100 ms: too short for a single word
            return "", 0.0
        pcm = with_room_noise(pcm)
        freely = self._listen(_FREELY, pcm)
        if freely is None:
            return "", 0.0
        return self._known(freely, pcm) or (freely.text, freely.confidence)

    def known(self, pcm: bytes) -> tuple[str, float] | None:
        """One of the sentences, and how sure it is that all of it was said; None where it was something else."""
        pcm = with_room_noise(pcm)
        freely = self._listen(_FREELY, pcm)
        return None if freely is None else self._known(freely, pcm)

    def _known(self, freely: _Hearing, pcm: bytes) -> tuple[str, float] | None:
        whole = self._listen(_WHOLE, pcm) if self._whole else None
        if whole is None or not self._fits(whole, freely):
            return None
        words = set(whole.words)
        shared = len(words.intersection(freely.words)) / len(words)
        if shared < _SHARED_PERHAPS:
            return None
        return " ".join(whole.words), SURELY if shared >= _SHARED_SURELY else _PERHAPS

    def _fits(self, whole: _Hearing, freely: _Hearing) -> bool:
        """The library also gives sentences that were cut off; those are none."""
        known = whole.words in self._whole and len(whole.words) >= _SHORTEST
        return known and (freely.fit - whole.fit) / freely.frames <= _NEAR

    def _listen(self, search: str, pcm: bytes) -> _Hearing | None:
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        return _Hearing.of(self._decoder)
