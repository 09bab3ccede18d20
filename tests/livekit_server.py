"""A real livekit-server for tests: own ports on loopback, own files, stopped by its process id."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from livekit import api

REPOSITORY = Path(__file__).resolve().parent.parent
BINARY_VARIABLE = "KIOSK_LIVEKIT_SERVER"
RELAY_HOST = "127.0.0.2"  # loopback as well, and another address than the server's
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 8.0

ParticipantKind = Literal["standard", "egress", "ingress", "sip", "agent"]
MediaPath = Literal["direct", "relay", "tcp"]


class LiveKitServerError(Exception):
    """The server is missing, did not start, or is not running."""


def find_server_binary() -> Path:
    """The environment's choice, else the project's cache, else PATH. Raises `LiveKitServerError`."""
    chosen = os.environ.get(BINARY_VARIABLE)
    if chosen:
        if os.access(chosen, os.X_OK):
            return Path(chosen)
        raise LiveKitServerError(f"{BINARY_VARIABLE} names {chosen}, which is no program: correct it, or unset it")
    cached = REPOSITORY / ".cache" / "livekit-server"
    if os.access(cached, os.X_OK):
        return cached
    on_path = shutil.which("livekit-server")
    if on_path:
        return Path(on_path)
    raise LiveKitServerError("livekit-server not found: run `make setup`, which puts it into .cache/")


def free_ports(count: int) -> list[int]:
    """`count` different ports that are free for TCP and for UDP now."""
    held: list[socket.socket] = []
    ports: list[int] = []
    try:
        while len(ports) < count:
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(tcp)
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            held.append(udp)
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    finally:
        for sock in held:
            sock.close()
    return ports


def participant_token(
    key: str,
    secret: str,
    identity: str,
    room: str,
    *,
    kind: ParticipantKind = "standard",
    name: str = "",
    attributes: Mapping[str, str] | None = None,
    ttl_s: float = 600,
    room_departure_s: int | None = None,
    **grants: Any,
) -> str:
    """`room_departure_s`: if this participant creates the room, it stays open for so long with only agents in it."""
    token = (
        api.AccessToken(key, secret)
        .with_identity(identity)
        .with_name(name or identity)
        .with_kind(kind)
        .with_ttl(timedelta(seconds=ttl_s))
        .with_grants(api.VideoGrants(room_join=True, room=room, **grants))
    )
    if attributes:
        token = token.with_attributes(dict(attributes))
    if room_departure_s is not None:
        config = api.RoomConfiguration(empty_timeout=room_departure_s, departure_timeout=room_departure_s)
        token = token.with_room_config(config)
    return token.to_jwt()


class LiveKitServer:
    """One server process. `start` and `stop` are synchronous; usable as a context manager.

    With `sync_streams` the server puts a participant's sound and picture into one sync group. A room in which only
    agents are left is closed after `departure_s`. `path` of pictures and voices: "relay" is UDP by way of
    tests.network_relay, "tcp" is what is left where UDP is not allowed.
    """

    def __init__(
        self,
        *,
        sync_streams: bool = True,
        departure_s: int = 20,
        key: str = "testkey",
        secret: str | None = None,
        path: MediaPath = "direct",
    ):
        self.key = key
        self.secret = secret or secrets.token_hex(24)
        self._sync_streams = sync_streams
        self._departure_s = departure_s
        self._path = path
        self._folder: Path | None = None
        self._ports: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For clients: `ws://127.0.0.1:<port>`."""
        return f"ws://127.0.0.1:{self._port}"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def udp_port(self) -> int:
        """Of pictures and voices, on 127.0.0.1."""
        if not self._ports:
            raise LiveKitServerError("livekit-server was not started")
        return self._ports[2]

    @property
    def relay_host(self) -> str:
        """Where its callers send pictures and voices."""
        return RELAY_HOST if self._path == "relay" else "127.0.0.1"

    @property
    def log_path(self) -> Path:
        """What the server wrote; gone after `stop`."""
        if self._folder is None:
            raise LiveKitServerError("livekit-server was not started")
        return self._folder / "livekit-server.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LiveKitServerError("livekit-server is not running")
        return self._process.pid

    @property
    def _port(self) -> int:
        if not self._ports:
            raise LiveKitServerError("livekit-server was not started")
        return self._ports[0]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Chooses free ports and returns when the server answers. Raises `LiveKitServerError`."""
        if self.running:
            raise LiveKitServerError("livekit-server is running already")
        binary = find_server_binary()
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="kiosk-livekit-"))
        # Another program may take a port between our look and the server's bind: look again then.
        for attempt in range(3):
            self._ports = free_ports(3)
            try:
                self._launch(binary)
            except LiveKitServerError:
                if attempt == 2:
                    raise
            else:
                return

    def restart(self) -> None:
        """Ends the process if it still runs and starts a new one on the same ports, with the same keys."""
        self._end_process(signal.SIGTERM)
        if self._folder is None:
            raise LiveKitServerError("livekit-server was not started")
        self._launch(find_server_binary())

    def kill(self) -> None:
        """The process dies at once (SIGKILL): clients see their connection break."""
        self._end_process(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ends the process and removes its files. Idempotent."""
        self._end_process(signal.SIGTERM)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def token(
        self,
        identity: str,
        room: str,
        *,
        kind: ParticipantKind = "standard",
        name: str = "",
        attributes: Mapping[str, str] | None = None,
        ttl_s: float = 600,
        **further: Any,
    ) -> str:
        """A participant token; `further` are those of `participant_token` and of `livekit.api.VideoGrants`."""
        return participant_token(
            self.key, self.secret, identity, room, kind=kind, name=name, attributes=attributes, ttl_s=ttl_s, **further
        )

    def _launch(self, binary: Path) -> None:
        assert self._folder is not None
        config = self._folder / "livekit.yaml"
        config.write_text(self._config(), encoding="utf-8")
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [str(binary), "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,  # Ctrl+C in a terminal reaches the owner first, who stops us in order
            )
        try:
            self._wait_until_ready()
        except LiveKitServerError:
            self._end_process(signal.SIGKILL)
            raise

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LiveKitServerError(f"livekit-server ended at once: {self._last_log_line()}")
            # Our process is alive and would have died on a taken port, so it is ours that answers.
            if self._answers() and self._owns_port():
                return
            time.sleep(0.05)
        raise LiveKitServerError(f"livekit-server did not answer within {START_TIMEOUT_S:.0f} s")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.http_url, timeout=1.0) as answer:  # noqa: S310 - our own loopback URL
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _owns_port(self) -> bool:
        """A wrong server on our port refuses our key; ours accepts it."""
        query = self.token("probe", "probe", ttl_s=60)
        url = f"{self.http_url}/rtc/validate?access_token={query}"
        try:
            with urllib.request.urlopen(url, timeout=1.0) as answer:  # noqa: S310 - our own loopback URL
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _last_log_line(self) -> str:
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"

    def _end_process(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)  # a paused process would never see its SIGTERM
            # The first signal makes it wait for its rooms to close; the second one ends it.
            for wait_s, again in ((0.3, how), (STOP_TIMEOUT_S, signal.SIGKILL)):
                try:
                    process.wait(wait_s)
                except subprocess.TimeoutExpired:
                    process.send_signal(again)
                else:
                    return
            process.wait(STOP_TIMEOUT_S)

    def _config(self) -> str:
        http, tcp, udp = self._ports
        relayed = self._path == "relay"
        return f"""port: {http}
bind_addresses: ["127.0.0.1"]
rtc:
  tcp_port: {0 if relayed else tcp}
  force_tcp: {str(self._path == "tcp").lower()}
  udp_port: {udp}
  use_external_ip: false
  node_ip: {self.relay_host}
  use_ice_lite: {str(relayed).lower()}
  enable_loopback_candidate: true
  interfaces: {{includes: ["lo"]}}
  ips: {{includes: ["127.0.0.1/32"]}}
keys: {{"{self.key}": "{self.secret}"}}
room:
  empty_timeout: 5
  departure_timeout: {self._departure_s}
  sync_streams: {str(self._sync_streams).lower()}
logging: {{level: info}}
"""
