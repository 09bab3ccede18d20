"""The avatar's voice to the loudspeaker."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiosk.media.device_latency import DeviceLatency
from kiosk.media.device_state import DeviceKind
from kiosk.media.portaudio import OpenStream, open_stream, start_stream
from kiosk.media.priority import raise_priority
from kiosk.media.reserve import Reserve
from kiosk.media.ring import PcmRing
from kiosk.media.statistics import AudioStatistics
from kiosk.media.thread_name import show_name
from kiosk.media.voice_buffer import VOICE_RATE, VoiceBuffer

log = logging.getLogger("kiosk.media")

BLOCK_S = 0.005  # twice as often as the voice comes: half the wait in front of the card
STALL_S = 0.5  # no callback for so long: the device is dead
START_S = 3.0  # some sound servers take their time for the first one
FAR_END_S = 0.5
SMOOTHING = 0.01  # per callback: settles within about a second


class Playout:
    """A `VoiceSink`. While no loudspeaker is open, `put` counts the voice as dropped and all else goes on.

    `start` and `stop` talk to PortAudio and may block: call them from the thread that owns the devices. `put` belongs
    to one other thread. Everything else may be called from anywhere.
    """

    sample_rate = VOICE_RATE
    channels = 1

    def __init__(self, device: str = "", volume: float = 1.0) -> None:
        """`device`: as in the settings, '' for the default. `volume`: 0 to 1."""
        self._device = device
        self._volume = volume
        self._voice: _Voice | None = None
        self._reserve = Reserve()  # what was learnt outlives the opening of a device
        self._latency = DeviceLatency()
        self._dropped = 0  # samples that came while nothing was open
        self._past_played_s = 0.0
        self._past_underruns = 0
        self._past_resyncs = 0
        self._past_dropped_s = 0.0

    @property
    def volume(self) -> float:
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = max(0.0, min(1.0, value))
        if self._voice is not None:
            self._voice.buffer.volume = self._volume

    def start(self) -> None:
        """Opens the loudspeaker. Raises `DeviceError`."""
        if self._voice is None:
            self._voice = _Voice(self._device, self._volume, self._reserve, self._latency.wish_s)

    def stop(self) -> None:
        """Idempotent. A loudspeaker that still lives fades out first."""
        voice, self._voice = self._voice, None
        if voice is None:
            return
        voice.end()
        self._past_played_s += voice.buffer.played / voice.buffer.rate
        self._past_underruns += voice.underruns
        self._past_resyncs += voice.buffer.resyncs
        self._past_dropped_s += voice.dropped_s

    @property
    def is_open(self) -> bool:
        return self._voice is not None

    def wants_reopening(self) -> bool:
        """True where the device ran dry again and again: it is to be opened anew, with more time."""
        voice = self._voice
        return voice is not None and self._latency.note(voice.device_underflows, time.perf_counter())

    def healthy(self) -> bool:
        """False once the device has died under us, or while none is open."""
        voice = self._voice
        return voice is not None and voice.alive()

    def put(self, pcm: memoryview | bytes) -> None:
        voice = self._voice
        if voice is None or voice.finished:
            self._dropped += memoryview(pcm).nbytes // 2
        else:
            voice.buffer.put(pcm, time.perf_counter())

    def flush(self) -> None:
        voice = self._voice
        if voice is not None:
            voice.buffer.flush()

    def latency_s(self) -> float:
        """From `put` to the air, in seconds, measured and smoothed; 0 while no loudspeaker is open."""
        voice = self._voice
        return 0.0 if voice is None else voice.buffer.latency_s() + voice.device_latency_s

    def device_latency_s(self) -> float:
        """From the callback to the air, in seconds; 0 while no loudspeaker is open."""
        voice = self._voice
        return 0.0 if voice is None else voice.device_latency_s

    def far_end(self) -> FarEnd | None:
        """What the loudspeaker plays, for the echo canceller; None while it is not open. One reader only."""
        voice = self._voice
        return None if voice is None else voice.far_end

    def idle_s(self) -> float:
        """Seconds since something audible came in; infinite while no loudspeaker is open."""
        voice = self._voice
        return float("inf") if voice is None else max(0.0, time.perf_counter() - voice.buffer.audible_s)

    @property
    def played_s(self) -> float:
        voice = self._voice
        return self._past_played_s + (0.0 if voice is None else voice.buffer.played / voice.buffer.rate)

    @property
    def underruns(self) -> int:
        voice = self._voice
        return self._past_underruns + (0 if voice is None else voice.underruns)

    @property
    def resyncs(self) -> int:
        voice = self._voice
        return self._past_resyncs + (0 if voice is None else voice.buffer.resyncs)

    @property
    def dropped_s(self) -> float:
        """Seconds of voice that were never played."""
        voice = self._voice
        return self._dropped / VOICE_RATE + self._past_dropped_s + (0.0 if voice is None else voice.dropped_s)

    def statistics(self) -> AudioStatistics:
        """What only an open loudspeaker has is None while there is none. The offset to the picture is not known."""
        voice = self._voice
        return AudioStatistics(
            played_s=round(self.played_s, 2),
            underruns=self.underruns,
            latency_ms=None if voice is None else round(self.latency_s() * 1000, 1),
            dropped_s=round(self.dropped_s, 2),
            resyncs=self.resyncs,
            fill_ms=None if voice is None else round(voice.buffer.fill_s * 1000, 1),
            device_latency_ms=None if voice is None else round(voice.device_latency_s * 1000, 1),
            drift_ppm=None if voice is None else round(voice.buffer.drift * 1e6, 1),
        )


class FarEnd:
    """Exactly what is played, silence included, in the order of playing. Read by the echo canceller alone."""

    def __init__(self, rate: int) -> None:
        """`rate`: Hz, the sound card's."""
        self.rate = rate
        self.frame = rate // 100  # samples in 10 ms
        self.ring = PcmRing(round(FAR_END_S * rate))
        self.latency_s = 0.0  # from the callback to the air


class _Voice:
    """One opening of the loudspeaker."""

    def __init__(self, device: str, volume: float, reserve: Reserve, latency_s: float) -> None:
        # What the callback touches exists before the stream does; the rate is known only after.
        self.finished = False
        self.device_underflows = 0
        self.device_latency_s = latency_s
        self.called_s = 0.0
        self._wish_s = latency_s
        self._opened: OpenStream = open_stream(
            DeviceKind.SPEAKER, device, self._callback, self._finished, block_s=BLOCK_S, latency_s=latency_s
        )
        rate, channels, block = self._opened.rate, self._opened.channels, self._opened.block
        self.buffer = VoiceBuffer(rate, reserve)
        self.buffer.volume = volume
        self.far_end = FarEnd(rate)
        self._channels = channels
        self._mono: NDArray[np.int16] = np.zeros(block, np.int16)
        self.device_latency_s = self._fallback_s = self._reported_latency_s()
        self._started_s = time.perf_counter()
        start_stream(DeviceKind.SPEAKER, self._opened)
        log.info(
            "loudspeaker open: %s, %d Hz, %d channel(s), %.0f ms",
            self._opened.device.label,
            rate,
            channels,
            self.device_latency_s * 1000,
        )

    @property
    def underruns(self) -> int:
        return self.buffer.underruns + self.device_underflows

    @property
    def dropped_s(self) -> float:
        return (self.buffer.dropped + self.buffer.skipped) / self.buffer.rate

    def alive(self) -> bool:
        if self.finished:
            return False
        now_s = time.perf_counter()
        return now_s - self.called_s < STALL_S if self.called_s else now_s - self._started_s < START_S

    def end(self) -> None:
        alive = self.alive()
        if alive:
            self.buffer.flush()
            if time.perf_counter() - self.buffer.audible_s < STALL_S:
                time.sleep(min(0.1, self.device_latency_s + 0.02))  # the fade must get as far as the air
        self._opened.end(abort=not alive)
        log.info("loudspeaker closed")

    def _reported_latency_s(self) -> float:
        reported = float(self._opened.stream.latency)
        return reported if 0 < reported < 1 else self._wish_s

    def _callback(self, target: Any, frames: int, timing: Any, status: Any) -> None:
        now_s = time.perf_counter()
        if not self.called_s:
            show_name("loudspeaker")
            raise_priority()
        self.called_s = now_s
        if status.output_underflow:
            self.device_underflows += 1
        latency_s = timing.outputBufferDacTime - timing.currentTime
        if not 0 < latency_s < 1:  # some host APIs do not tell
            latency_s = self._fallback_s
        self.device_latency_s += (latency_s - self.device_latency_s) * SMOOTHING
        self.far_end.latency_s = self.device_latency_s

        out = np.frombuffer(target, np.int16)
        mono = out if self._channels == 1 else self._mono[:frames]
        self.buffer.render(mono, now_s)
        if self._channels > 1:
            out.reshape(frames, self._channels)[:] = mono[:, None]
        self.far_end.ring.write(mono)

    def _finished(self) -> None:
        self.finished = True
