"""One take: a client shows what the publisher sends, while screen, loudspeaker and processes are watched."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psutil

from tests.benchmarks.side_by_side.clients import Client, ClientDied, KioskClient
from tests.benchmarks.side_by_side.figures import NothingMeasured, Seen, onsets, picture_figures, sound_figures
from tests.benchmarks.side_by_side.publishing import Publishing
from tests.benchmarks.side_by_side.takes import Format, Take
from tests.benchmarks.side_by_side.threads import ThreadTimes
from tests.benchmarks.side_by_side.watch import CodeWatch, ProcessTree
from tests.benchmarks.voice_watch import VoiceWatch
from tests.livekit_server import LiveKitServer
from tests.sound import RATE
from tests.whole.desk import Desk

VISIBLE_S: Final = 40.0
BLANK_S: Final = 15.0
LOOK_S: Final = 1.0  # between two looks at a process tree
STEP_S: Final = 0.05
LEAST_SHOWN: Final = 0.2  # less is no figure but a fault
FIGURES_OF_THE_KIOSK: Final = ("renderer", "video", "audio", "microphone")


class Stage:
    """Screen, loudspeaker and media server, on which the clients appear one after the other, each in its own room."""

    def __init__(self, desk: Desk, server: LiveKitServer, given: Format):
        self._desk, self._server, self._format = desk, server, given
        self._rooms = itertools.count(1)

    def take(
        self, client: Client, number: int, *, voice: bool, seconds: float, warm_up_s: float, heard_in_room: bool
    ) -> Take:
        """What a client costs and how late it is, over `seconds`. `number` is that of the round.

        With `heard_in_room` the client must send sound. Raises `ClientDied`, `PublisherDied` or `NothingMeasured`.
        """
        with self._publishing(client, voice=voice) as publishing:
            with self._watch() as watch, self._running(client, publishing.room) as pid:
                self._until(lambda: len(watch.seen) > 1, client, publishing)
                self._rest(warm_up_s, client, publishing)
                before = len(watch.seen)
                with VoiceWatch(self._desk.sound) as heard:
                    tree, threads, spent_s = ProcessTree(pid), ThreadTimes(pid), watch.cpu_s
                    ends = time.perf_counter() + seconds
                    while (left := ends - time.perf_counter()) > 0:
                        self._rest(min(left, LOOK_S), client, publishing)
                        self._look(tree, client)
                    seen = watch.seen[before:]
                    watching, busy = watch.cpu_s - spent_s, threads.shares()
                memory = {f"{kind.lower()}_mb": round(tree.memory_mb(kind), 1) for kind in ("Pss", "Rss")}
                processes = tree.count
            self._rest(0.0, client, publishing)
        sent = publishing.sent
        if heard_in_room and "sound" not in sent.notes.get("guests_send", ()):
            raise ClientDied(f"{client.name} sent no sound into the room")
        figures = {"cpu_percent": round(100 * tree.cpu_share, 2), **memory, "processes": processes}
        figures |= picture_figures(sent, seen)
        if figures["shown_share"] < LEAST_SHOWN:
            raise NothingMeasured(f"{client.name} showed {100 * figures['shown_share']:.0f} % of the pictures")
        if voice:
            times = [heard.at_s(sample) for sample in onsets(heard.samples, RATE)]
            figures |= sound_figures(sent, seen, times)
        notes = {
            **sent.notes,
            "threads": busy,
            "publisher_stalls": sent.stalls,
            "watch_cpu_percent": round(100 * watching / seconds, 2),
        }
        if isinstance(client, KioskClient):
            notes["own_report"] = {name: client.report.get(name) for name in FIGURES_OF_THE_KIOSK}
        return Take("voice" if voice else "silent", client.name, str(self._format), number, figures, notes)

    def starts(self, client: Client, number: int, times: int) -> list[Take]:
        """From exec to the first picture on the screen, while the publisher is there already.

        What was sent before is none: a client may show what it saw the last time while it waits.
        """
        with self._publishing(client, voice=True) as publishing:
            return [self._start(client, publishing, number) for _ in range(times)]

    def _start(self, client: Client, publishing: Publishing, number: int) -> Take:
        self._until_blank()
        before = publishing.latest
        with self._watch() as watch:
            began = time.perf_counter()
            with self._running(client, publishing.room):
                self._until(lambda: _first_live(watch.seen, before) is not None, client, publishing)
        first = _first_live(watch.seen, before)
        assert first is not None
        figures = {"first_visible_s": round(first.t_s - began, 4)}
        return Take("start", client.name, str(self._format), number, figures)

    def attract(self, client: Client, number: int, *, seconds: float, warm_up_s: float) -> Take:
        """What a client costs that waits for a visitor."""
        with self._running(client, self._room(client)) as pid:
            self._rest(warm_up_s, client)
            tree = ProcessTree(pid)
            ends = time.perf_counter() + seconds
            while (left := ends - time.perf_counter()) > 0:
                self._rest(min(left, LOOK_S), client)
                self._look(tree, client)
            memory = round(tree.memory_mb("Pss"), 1)
        figures = {"cpu_percent": round(100 * tree.cpu_share, 2), "pss_mb": memory}
        return Take("attract", client.name, str(self._format), number, figures)

    def _publishing(self, client: Client, *, voice: bool) -> Publishing:
        given, room = self._format, self._room(client)
        log = self._desk.folder / f"{room}.sent"
        return Publishing(self._server, room, (given.width, given.height), given.fps, log, voice=voice)

    def _room(self, client: Client) -> str:
        return f"{client.name}-{self._format.width}x{self._format.height}-{next(self._rooms)}"

    def _watch(self) -> CodeWatch:
        return CodeWatch(self._desk.display, self._format.width, self._format.height)

    @contextmanager
    def _running(self, client: Client, room: str) -> Iterator[int]:
        try:
            yield client.start(room)
        except BaseException:
            try:
                client.stop()
            except ClientDied:
                pass  # what went wrong before says more
            raise
        client.stop()

    def _until(self, condition: Callable[[], bool], client: Client, publishing: Publishing) -> None:
        deadline = time.perf_counter() + VISIBLE_S
        while not condition():
            client.check()
            publishing.check()
            if time.perf_counter() > deadline:
                raise ClientDied(f"{client.name} showed nothing within {VISIBLE_S:.0f} s:\n{client.words()}")
            time.sleep(STEP_S)

    def _until_blank(self) -> None:
        """What the client before has left must not be taken for the next one's picture."""
        watch, deadline = self._watch(), time.perf_counter() + BLANK_S
        while not watch.blank():
            if time.perf_counter() > deadline:
                raise NothingMeasured("a picture stays on the screen although nobody shows it")
            time.sleep(STEP_S)

    def _rest(self, seconds: float, client: Client, publishing: Publishing | None = None) -> None:
        """Raises when one of the two has died meanwhile."""
        time.sleep(max(0.0, seconds))
        client.check()
        if publishing is not None:
            publishing.check()

    @staticmethod
    def _look(tree: ProcessTree, client: Client) -> None:
        try:
            tree.look()
        except psutil.NoSuchProcess:
            client.check()
            raise


def _first_live(seen: Sequence[Seen], before: int) -> Seen | None:
    """The first picture that was sent after that number."""
    return next((one for one in seen if one.number > before), None)
