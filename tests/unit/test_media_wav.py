"""A sound file becomes speech, or one line for the operator."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from kiosk.media.wav import read_speech


def write(path: Path, samples: np.ndarray, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(22_050)
        file.writeframes(samples.tobytes())
    return path


def test_mono_is_taken_as_it_is(tmp_path: Path) -> None:
    samples = np.arange(-500, 500, dtype=np.int16)
    assert read_speech(write(tmp_path / "a.wav", samples)) == (samples.tobytes(), 22_050)


def test_stereo_is_mixed(tmp_path: Path) -> None:
    samples = np.array([[100, 300], [-100, -300]], np.int16)
    pcm, _ = read_speech(write(tmp_path / "a.wav", samples, channels=2))
    assert np.frombuffer(pcm, np.int16).tolist() == [200, -200]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 20])
def test_what_is_no_sound_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.wav"):
        read_speech(path)


def test_other_sample_widths_and_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="save it with 16"):
        read_speech(write(tmp_path / "wide.wav", np.zeros(8, np.int32), width=4))
    with pytest.raises(ValueError, match="cannot be read"):
        read_speech(tmp_path / "missing.wav")
