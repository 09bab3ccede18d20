"""Who is compared: the kiosk as its users start it, and a browser as an integrator would ship it instead."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from abc import ABC, abstractmethod
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

from tests.benchmarks.side_by_side.takes import BROWSER, BROWSER_SENDING, KIOSK
from tests.livekit_server import REPOSITORY, LiveKitServer
from tests.whole.desk import Desk, KioskRun

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
END_S: Final = 10.0
TAIL: Final = 25  # lines of a client's own words in an error


class ClientDied(Exception):
    """A client that is measured ended, could not join, or showed nothing; with its own last words."""


class Client(ABC):
    """One at a time: `start`, then `stop`. A stopped client may be started again."""

    name: str

    @abstractmethod
    def start(self, room: str) -> int:
        """Returns the process id at once; the picture comes later."""

    @abstractmethod
    def check(self) -> None:
        """Raises `ClientDied` when it no longer runs or said that it failed."""

    @abstractmethod
    def words(self) -> str:
        """The end of what it wrote."""

    @abstractmethod
    def stop(self) -> None:
        """Ends it and all that it started; idempotent. Raises `ClientDied` when it ended with an error."""


class KioskClient(Client):
    """`kiosk run --kiosk`: `provider` "livekit" begins a visit at once; with `visit` False nobody is there.

    But for the room and the welcome, all settings are the defaults, so the microphone is open. `idle_s` is long, for
    nobody speaks here and the visit would be ended.
    """

    def __init__(self, desk: Desk, server: LiveKitServer, *, provider: str = "livekit", visit: bool = True):
        self.name = KIOSK if visit else f"{KIOSK}-{provider}"
        self._desk, self._server, self._provider, self._visit = desk, server, provider, visit
        self._run: KioskRun | None = None
        self.report: dict[str, Any] = {}  # the kiosk's own, of the latest run

    def start(self, room: str) -> int:
        settings = {
            "session": {"provider": self._provider, "welcome": False, "idle_s": 3_600},
            "providers": {"livekit": {"url": self._server.url, "room": room}},
        }
        secrets = {"KIOSK_LIVEKIT_API_KEY": self._server.key, "KIOSK_LIVEKIT_API_SECRET": self._server.secret}
        words = ("--kiosk", "--auto-start") if self._visit else ("--kiosk",)
        # Warnings are for tests; a user's Python is not asked to show any.
        self._run = self._desk.kiosk(None, *words, settings=settings, env={**secrets, "PYTHONWARNINGS": ""})
        return self._run.process.pid

    def check(self) -> None:
        if self._run is None or (code := self._run.process.poll()) is None:
            return
        raise ClientDied(f"the kiosk ended with {code}:\n{self.words()}")

    def words(self) -> str:
        return "\n".join(self._run.lines[-TAIL:]) if self._run else ""

    def stop(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        code = run.end(signal.SIGTERM)
        if code != 0:
            raise ClientDied(f"the kiosk ended with {code}:\n" + "\n".join(run.lines[-TAIL:]))
        self.report = run.report


class BrowserClient(Client):
    """Chromium in kiosk mode with a page of livekit-client, in a profile of its own.

    What runs beside the page in a browser and not in the kiosk (updates, safe browsing, sync) is switched off.
    """

    def __init__(self, program: str, pages: Pages, desk: Desk, server: LiveKitServer, *, sends: bool = False):
        self.name = BROWSER_SENDING if sends else BROWSER
        self._program, self._pages, self._desk, self._server, self._sends = program, pages, desk, server, sends
        self._profile = desk.folder / f"profile-{self.name}"
        self._log = desk.folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, room: str) -> int:
        query = {"url": self._server.url, "token": self._server.token("browser", room, ttl_s=3_600)}
        if self._sends:
            query["microphone"] = "1"
        self._pages.notes.clear()
        display, sound, folder = self._desk.display, self._desk.sound, str(self._desk.folder)
        command = [
            self._program,
            *("--kiosk", "--start-fullscreen", "--window-position=0,0"),
            f"--window-size={display.width},{display.height}",
            f"--user-data-dir={self._profile}",
            "--autoplay-policy=no-user-gesture-required",
            *("--no-first-run", "--no-default-browser-check", "--noerrdialogs", "--hide-crash-restore-bubble"),
            *("--disable-component-update", "--disable-background-networking", "--disable-sync", "--disable-breakpad"),
            "--password-store=basic",
            *(
                ["--use-fake-ui-for-media-stream"] if self._sends else []
            ),  # says yes to the question; the device is real
            # It refuses to run as root with a sandbox, and with one its memory cannot be read unless it is allowed.
            "--no-sandbox" if os.geteuid() == 0 else "--allow-sandbox-debugging",
            f"{self._pages.address}?{urlencode(query)}",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env={
                    **os.environ,
                    **display.env(),
                    **sound.env(),
                    **dict.fromkeys(("HOME", "TMPDIR"), folder),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._process.pid

    def check(self) -> None:
        bad = [note for note in self._pages.notes if note.startswith(("failed", "disconnected"))]
        if bad:
            raise ClientDied(f"the browser's page: {bad[0]}")
        if self._process is not None and (code := self._process.poll()) is not None:
            raise ClientDied(f"the browser ended with {code}:\n{self.words()}")

    def words(self) -> str:
        log = self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []
        return "\n".join([f"the page said: {self._pages.notes}", *log[-TAIL:]])

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)  # what it started and did not take along
        except ProcessLookupError:
            pass
        process.wait(END_S)


class Pages:
    """Serves the page and livekit-client on loopback, and takes the page's notes. A context manager."""

    def __init__(self, library: Path):
        page = Path(__file__).with_name("page.html")
        files = {
            "/": (page.read_bytes(), "text/html; charset=utf-8"),
            "/livekit-client.umd.js": (library.read_bytes(), "text/javascript; charset=utf-8"),
        }
        self.notes: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, files, self.notes))
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, files: dict[str, tuple[bytes, str]], notes: list[str], *given: Any):
        self._files, self._notes = files, notes
        super().__init__(*given)

    def do_GET(self) -> None:
        found = self._files.get(self.path.partition("?")[0])
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body, content = found
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self._notes.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, format: str, *given: Any) -> None:
        pass


def find_library() -> Path:
    """livekit-client's build for browsers. Raises `FileNotFoundError` with what to do."""
    found = sorted((REPOSITORY / ".cache").glob("livekit-client-*.umd.js"))
    if not found:
        raise FileNotFoundError("livekit-client is not in .cache: `make bench` fetches it")
    return found[-1]


def find_browser(chosen: str | None = None) -> str:
    """Raises `FileNotFoundError` with what to do."""
    for name in (chosen,) if chosen else BROWSERS:
        if path := shutil.which(name):
            return path
    raise FileNotFoundError(f"no browser ({chosen or ', '.join(BROWSERS)}): `make bench` installs one")
