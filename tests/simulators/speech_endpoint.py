"""A strict `POST /v1/audio/speech`: refuses what OpenAI's documents exclude, and answers with a tone of known length.

The tone's length is 60 ms for each character of the input, so a test can tell what was spoken.
"""

from __future__ import annotations

import struct

import numpy as np

from tests.simulators.vendor_http import Call, Reply, VendorServer

KEY = "speech-key-0123456789"
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse")
MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
KNOWN = {"model", "input", "voice", "instructions", "response_format", "speed", "stream_format"}
RATE = 24_000
SECONDS_PER_CHARACTER = 0.06


class SpeechEndpoint(VendorServer):
    """`inputs` is what it was asked to say."""

    def __init__(self, channels: int = 1, wav_rate: int = RATE) -> None:
        super().__init__()
        self.inputs: list[str] = []
        self._channels = channels
        self._wav_rate = wav_rate
        self.route("POST", "/v1/audio/speech", "speech", self._speech)

    async def _speech(self, call: Call) -> Reply:
        if call.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "Incorrect API key provided.")
        if call.headers.get("Content-Type", "").split(";")[0] != "application/json" or not isinstance(call.body, dict):
            return _error(400, "We could not parse the JSON body of your request.")
        body = call.body
        if unknown := set(body) - KNOWN:
            return _error(400, f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
        if body.get("model") not in MODELS:
            return _error(404, f"The model `{body.get('model')}` does not exist or you do not have access to it.")
        said, speed, kind = body.get("input"), body.get("speed", 1.0), body.get("response_format", "mp3")
        if not isinstance(said, str) or not 1 <= len(said) <= 4096:
            return _error(400, "'input' must be 1 to 4096 characters.")
        if body.get("voice") not in VOICES:
            return _error(400, f"'voice' must be one of {', '.join(VOICES)}.")
        if kind not in FORMATS or not isinstance(speed, int | float) or not 0.25 <= speed <= 4.0:
            return _error(400, "'response_format' or 'speed' is out of range.")
        self.inputs.append(said)
        if kind == "pcm":
            return Reply(200, tone(len(said), RATE, 1), {"Content-Type": "audio/pcm"})
        if kind == "wav":
            pcm = tone(len(said), self._wav_rate, self._channels)
            return Reply(200, wav_header(self._wav_rate, self._channels) + pcm, {"Content-Type": "audio/wav"})
        return Reply(200, b"\xff\xfb", {"Content-Type": "audio/mpeg"})


def tone(characters: int, rate: int, channels: int) -> bytes:
    t = np.arange(round(characters * SECONDS_PER_CHARACTER * rate)) / rate
    wave = (8000 * np.sin(2 * np.pi * 440 * t)).astype("<i2")
    return np.repeat(wave, channels).tobytes()


def wav_header(rate: int, channels: int) -> bytes:
    """As servers stream it: the lengths are not known, and another chunk stands before the sound."""
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    other = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"
    return b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + form + other + b"data\xff\xff\xff\xff"


def _error(status: int, message: str) -> Reply:
    kind = "invalid_request_error"
    return Reply(status, {"error": {"message": message, "type": kind, "param": None, "code": None}})
