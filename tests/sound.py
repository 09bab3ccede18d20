"""A private PulseAudio server with a loudspeaker and a microphone made of null sinks: sound devices on any machine.

PortAudio reaches it through ALSA's pulse plugin (Debian package libasound2-plugins). PortAudio and ALSA read their
environment only once, when they are initialised, so code under test must run in a child process started with
`{**os.environ, **server.env()}`; that also keeps the test session free of PortAudio's threads.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

RATE = 48_000  # Hz
Samples = NDArray[np.int16]

# Only the pulse plugin: real cards of the machine stay out of the test, and ALSA has nothing to complain about.
# The devices are named, so that a stream opens on the device it means or not at all, as on a machine with one of each.
_ALSA_CONFIG = """\
pcm.speaker {{ type pulse  server "unix:{socket}"  device speaker }}
pcm.microphone {{ type pulse  server "unix:{socket}"  device microphone_source }}
pcm.!default {{
    type asym
    playback.pcm speaker
    capture.pcm microphone
    hint {{ show on  description "Private sound server" }}
}}
pcm.desktop {{ type pulse  server "unix:{socket}" }}
ctl.!default {{ type pulse  server "unix:{socket}" }}
"""


class SoundServer:
    """A private sound server, run by any user, root included.

    Sinks: `speaker` (stereo) and `microphone` (mono). ALSA's device "default" plays into the former and records what is
    played into the latter. `speaker.monitor` is the source that records what the loudspeaker plays. ALSA's "desktop" is
    whatever the server's default devices are.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kiosk-sound-"))
        self._socket = self._folder / "native"
        self._control = self._folder / "control"
        self._server: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []
        self._modules: dict[str, list[str]] = {}
        self._listeners: dict[str, _Recorder] = {}
        self._recorder: _Recorder | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def env(self) -> dict[str, str]:
        """What a child process needs to find these devices and no others."""
        return {
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_COOKIE": str(self._folder / "cookie"),
            "XDG_RUNTIME_DIR": str(self._folder),
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
        }

    def start(self, *, speaker: bool = True, microphone: bool = True) -> None:
        """Returns when the server answers. Raises `RuntimeError` with the server's own words when it does not."""
        self._folder.chmod(0o700)
        (self._folder / "asound.conf").write_text(_ALSA_CONFIG.format(socket=self._socket))
        self._launch()
        # PulseAudio moves streams whenever the default device changes: this one stays the default for good.
        self._load("module-null-sink", "sink_name=nowhere")
        names = [name for name, wanted in (("speaker", speaker), ("microphone", microphone)) if wanted]
        for name in names:
            self._plug_in(name)
        for name in names:
            self._listeners[name].wait()

    def end_server(self) -> None:
        """The sound server dies, and all devices with it. `start` brings it back on the same socket."""
        self._end_clients()
        if self._server is not None:
            _end(self._server)
            self._server = None
        self._modules.clear()

    def _launch(self) -> None:
        log = (self._folder / "log").open("wb")
        self._server = subprocess.Popen(
            [
                "pulseaudio",
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--realtime=no",
                "--high-priority=no",
                "--disallow-module-loading=no",
                f"--load=module-native-protocol-unix auth-anonymous=1 socket={self._socket}",
                f"--load=module-cli-protocol-unix socket={self._control}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **self.env(), "HOME": str(self._folder)},
        )
        log.close()
        deadline = time.monotonic() + 10
        while subprocess.run(["pactl", "info"], env=self._environment(), capture_output=True).returncode != 0:
            if self._server.poll() is not None or time.monotonic() > deadline:
                words = (self._folder / "log").read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"pulseaudio did not start:\n{words}")
            time.sleep(0.05)

    def stop(self) -> None:
        self.end_server()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end_clients(self) -> None:
        if self._recorder is not None:
            self._recorder.stop()
            self._recorder = None
        for listener in self._listeners.values():
            listener.stop()
        self._listeners.clear()
        for player in self._players:
            _end(player)
        self._players.clear()

    def add_sink(self, name: str, *, rate: int = RATE, channels: int | None = None, wait: bool = True) -> None:
        """Plugs in `speaker`, `microphone` or, under any other name, a further loudspeaker.

        `channels`: as many as such a device has if None is given. `wait`: until sound flows, not only for the server.
        """
        self._plug_in(name, rate, channels)
        if wait:
            self._listeners[name].wait()

    def add_late_sink(self, name: str, sink: str, latency_s: float) -> None:
        """A loudspeaker that plays into another one, later by so much, as over Bluetooth."""
        words = (f"server=unix:{self._socket}", f"sink={sink}", f"latency_msec={round(latency_s * 1000)}")
        self._modules[name] = [self._load("module-tunnel-sink", f"sink_name={name}", *words)]

    def make_default(self, *, sink: str = "", source: str = "") -> None:
        """For what is played from now on, and what plays by default."""
        if sink:
            self._pactl("set-default-sink", sink)
        if source:
            self._pactl("set-default-source", source)

    def _plug_in(self, name: str, rate: int = RATE, channels: int | None = None) -> None:
        channels = channels or (1 if name == "microphone" else 2)
        modules = [self._load("module-null-sink", f"sink_name={name}", f"rate={rate}", f"channels={channels}")]
        if name == "microphone":
            modules.append(
                self._load("module-remap-source", "master=microphone.monitor", "source_name=microphone_source")
            )
        self._modules[name] = modules
        # Left alone, a null sink renders two seconds of silence in advance, and the first stream on it waits that long.
        self._listeners[name] = _Recorder(f"{name}.monitor", self._environment(), keep=False)

    def has_sink(self, name: str) -> bool:
        return name in self._modules

    def move_away(self, name: str) -> None:
        """Unplugs it where there is another one: the server moves the streams on it there."""
        if name in self._listeners:
            self._listeners.pop(name).stop()
        for module in reversed(self._modules.pop(name)):
            self._pactl("unload-module", module)

    def remove_sink(self, name: str) -> None:
        """Unplugs it, the last device of its kind: the streams on it are killed instead of moved to another one."""
        self._listeners.pop(name).stop()
        words = []
        if name == "microphone":
            index = self._index("sources", "microphone_source")
            words += self._words("source-outputs", index, "kill-source-output")
        words += self._words("sink-inputs", self._index("sinks", name), "kill-sink-input")
        words += [f"unload-module {module}" for module in reversed(self._modules.pop(name))]
        # At once: who lost a stream tries again, and would be moved with the device still there.
        self._tell("".join(f"{word}\n" for word in words))

    def mix_speaker_into_microphone(self, gain: float = 0.5) -> None:
        """The same air: what the loudspeaker plays reaches the microphone, `gain` times as loud (1.0 = unchanged)."""
        volume = str(round(65_536 * gain ** (1 / 3)))  # PulseAudio's volume scale is cubic
        module = self._load(
            "module-loopback", "source=speaker.monitor", "sink=microphone", "latency_msec=20", "source_dont_move=true"
        )
        self._modules.setdefault("air", []).append(module)
        for line in self._pactl("list", "short", "sink-inputs").splitlines():
            index, _, rest = line.partition("\t")
            if "module-loopback" in rest:
                self._pactl("set-sink-input-volume", index, volume)

    def separate(self) -> None:
        """Ends `mix_speaker_into_microphone`."""
        for module in self._modules.pop("air", []):
            self._pactl("unload-module", module)

    def play(self, pcm: bytes, sink: str = "microphone") -> subprocess.Popen[bytes]:
        """Plays s16le mono 48 kHz into a sink, at once and in the background; `wait()` on the result for its end."""
        sound = self._folder / f"play-{len(self._players)}.raw"
        sound.write_bytes(pcm)
        player = subprocess.Popen(
            ["pacat", "--playback", f"--device={sink}", *_FORMAT, "--latency-msec=30", str(sound)],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
        )
        self._players.append(player)
        return player

    def record(self, seconds: float, source: str = "speaker.monitor") -> Samples:
        """Blocks for `seconds`; the result is int16 mono at 48 kHz, shape (samples,)."""
        self.start_recording(source)
        time.sleep(seconds)
        return self.stop_recording()

    def start_recording(self, source: str = "speaker.monitor") -> None:
        """Returns once sound (or silence) really flows."""
        if self._recorder is not None:
            raise RuntimeError("already recording")
        self._recorder = _Recorder(source, self._environment())
        self._recorder.wait()

    def stop_recording(self) -> Samples:
        if self._recorder is None:
            raise RuntimeError("not recording")
        recorder, self._recorder = self._recorder, None
        return recorder.stop()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.env()}

    def _pactl(self, *words: str) -> str:
        done = subprocess.run(["pactl", *words], env=self._environment(), capture_output=True, text=True, timeout=10)
        if done.returncode != 0:
            raise RuntimeError(f"pactl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def _index(self, kind: str, name: str) -> str:
        rows = [line.split("\t") for line in self._pactl("list", "short", kind).splitlines()]
        return next(row[0] for row in rows if row[1] == name)

    def _words(self, kind: str, device: str, command: str) -> list[str]:
        """The command for each stream of the device."""
        rows = [line.split("\t") for line in self._pactl("list", "short", kind).splitlines()]
        return [f"{command} {row[0]}" for row in rows if row[1] == device]

    def _tell(self, words: str) -> None:
        with socket.socket(socket.AF_UNIX) as control:  # pactl cannot kill streams
            control.settimeout(5)
            control.connect(str(self._control))
            control.sendall(words.encode())
            control.shutdown(socket.SHUT_WR)
            while control.recv(4096):
                pass

    def _load(self, *words: str) -> str:
        return self._pactl("load-module", *words).strip()


_FORMAT = ["--raw", "--format=s16le", f"--rate={RATE}", "--channels=1"]


class _Recorder:
    def __init__(self, source: str, environment: dict[str, str], *, keep: bool = True) -> None:
        self._source = source
        self._keep = keep
        self._process = subprocess.Popen(
            ["parec", "--record", f"--device={source}", *_FORMAT, "--latency-msec=20"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self._data = bytearray()
        self._flows = threading.Event()
        self._thread = threading.Thread(target=self._read, name="parec", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until sound or silence flows."""
        if not self._flows.wait(10):
            self.stop()
            raise RuntimeError(f"nothing to record from {self._source}")

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        while chunk := os.read(pipe.fileno(), 65_536):
            if self._keep:
                self._data += chunk
            self._flows.set()

    def stop(self) -> Samples:
        _end(self._process)
        self._thread.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return np.frombuffer(bytes(self._data[: len(self._data) // 2 * 2]), np.int16)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
