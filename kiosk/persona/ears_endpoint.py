"""Where speech begins and ends in a stream of 10 ms frames. Pure: whether one frame is a voice is asked of another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

FRAME_BYTES = 960  # 10 ms of s16le mono at 48 kHz

BEGIN_WINDOW, BEGIN_VOICED = 20, 12  # frames: speech begins when so many of the last so many are voice
END_SILENT = 60  # frames without a voice that end an utterance: people pause for breath
PRE_ROLL = 30  # frames from before the beginning that belong to it: soft first consonants
LONGEST = 1_200  # frames: 12 s, then what was said is taken as it is
LEAST_VOICED = 15  # frames: shorter sounds are a cough or a door


@dataclass(frozen=True, slots=True)
class Begun:
    """Speech began."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """From a little before the speech to its end; s16le mono 48 kHz."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Noise:
    """What began was too short to be speech."""


class Endpointer:
    def __init__(self, is_voice: Callable[[bytes], bool]):
        self._is_voice = is_voice
        self._recent: deque[bytes] = deque(maxlen=BEGIN_WINDOW + PRE_ROLL)
        self._voiced: deque[bool] = deque(maxlen=BEGIN_WINDOW)
        self._speech: list[bytes] | None = None
        self._voices = 0
        self._silent = 0

    def feed(self, frame: bytes) -> Begun | Utterance | Noise | None:
        """One frame of `FRAME_BYTES`; another length counts as silence of one frame."""
        voice = len(frame) == FRAME_BYTES and self._is_voice(frame)
        if self._speech is None:
            return self._before(frame, voice)
        self._speech.append(frame)
        self._voices += voice
        self._silent = 0 if voice else self._silent + 1
        if self._silent >= END_SILENT or len(self._speech) >= LONGEST:
            return self.finish()
        return None

    def finish(self) -> Utterance | Noise | None:
        """What is under way ends here; None where nothing is."""
        speech, self._speech = self._speech, None
        if speech is None:
            return None
        self._recent.clear()
        self._voiced.clear()
        return Utterance(b"".join(speech)) if self._voices >= LEAST_VOICED else Noise()

    def _before(self, frame: bytes, voice: bool) -> Begun | None:
        self._recent.append(frame)
        self._voiced.append(voice)
        if sum(self._voiced) < BEGIN_VOICED:
            return None
        self._speech, self._voices, self._silent = list(self._recent), sum(self._voiced), 0
        return Begun()
