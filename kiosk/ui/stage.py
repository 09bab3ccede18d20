"""Window, view and the way of the frames to it, as one thing that is opened, looked at and shut."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor

from kiosk.clock import Clock
from kiosk.media.frames import PixelFormat
from kiosk.session.view import Situation, VisitorActions
from kiosk.ui.avatar_view import build_view
from kiosk.ui.colour import Colour
from kiosk.ui.frame_bridge import FrameBridge
from kiosk.ui.frame_source import FrameRenderer, FrameSource, RendererKind
from kiosk.ui.geometry import Fit
from kiosk.ui.operator_entry import OperatorTools
from kiosk.ui.renderer_choice import RendererSetting, decide_renderer
from kiosk.ui.texts import Texts
from kiosk.ui.theme import load_theme
from kiosk.ui.window import KioskWindow

log = logging.getLogger("kiosk.screen")

LEVEL_MS = 80  # between two looks at the microphone's level
DEFAULT_WINDOW = (1280, 800)  # logical pixels


class Mailbox(FrameSource, Protocol):
    """A source of frames that says when one came, and decodes into what the view wants."""

    wanted_format: PixelFormat
    on_frame: Callable[[], None] | None


@dataclass(frozen=True, slots=True)
class Look:
    """How the kiosk looks: the operator's choices."""

    renderer: RendererSetting
    colour: Colour
    fit: Fit
    theme: str
    languages: Sequence[str]
    badge: str = ""
    text_scale: float = 1.0
    animate: bool = True


class Stage:
    """Needs the QApplication. `microphone_dbfs` is asked a few times a second while the microphone is open."""

    def __init__(
        self,
        mailbox: Mailbox,
        actions: VisitorActions,
        clock: Clock,
        resources: Path,
        look: Look,
        microphone_dbfs: Callable[[], float],
        operator: OperatorTools | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._clock = clock
        self._shaders = resources / "shaders"
        self._look = look
        self._theme = load_theme(resources / "themes", look.theme)
        self._first_frame_s: float | None = None
        self._painted_before = 0
        choice = decide_renderer(look.renderer)
        log.info("renderer %s: %s", choice.kind, choice.reason)
        self._view = self._build(choice.kind)
        texts = Texts.load(resources / "translations")
        self.window = KioskWindow(
            self._view,
            actions,
            texts,
            self._theme,
            languages=look.languages,
            badge=look.badge,
            text_scale=look.text_scale,
            animate=look.animate,
            operator=operator,
        )
        self._bridge = FrameBridge()
        self._bridge.arrived.connect(self._pump)
        mailbox.on_frame = self._bridge.notify
        self._level = QTimer(self.window)
        self._level.setInterval(LEVEL_MS)
        self._level.timeout.connect(lambda: self.window.set_microphone_level(microphone_dbfs()))

    @property
    def renderer(self) -> str:
        return str(self._view.kind)

    @property
    def painted(self) -> int:
        return self._painted_before + self._view.painted

    @property
    def dropped(self) -> int:
        return self._view.dropped

    @property
    def first_frame_s(self) -> float | None:
        """When the first frame of all was painted, on the clock."""
        return self._first_frame_s if self._first_frame_s is not None else self._view.first_painted_s

    def open(self, windowed: tuple[int, int] | None, *, kiosk: bool) -> None:
        if kiosk:
            self.window.show_kiosk()
        else:
            self.window.show_windowed(*(windowed or DEFAULT_WINDOW))

    def show_situation(self, situation: Situation) -> None:
        self.window.show_situation(situation)
        if situation.microphone != self._level.isActive():
            (self._level.start if situation.microphone else self._level.stop)()

    def shut(self) -> None:
        """Stops timers, views and the way of the frames; closes the window."""
        self._mailbox.on_frame = None
        self._level.stop()
        self._bridge.shut()
        self.window.shut()

    def _build(self, kind: RendererKind) -> FrameRenderer:
        view = build_view(
            kind,
            self._mailbox,
            self._clock,
            self._shaders,
            colour=self._look.colour,
            fit=self._look.fit,
            background=QColor(self._theme.backdrop_bottom),
            animate=self._look.animate,
        )
        if kind is RendererKind.OPENGL:
            from kiosk.ui.gl_view import GlView

            if isinstance(view, GlView):
                view.broken.connect(self._on_broken)
        self._mailbox.wanted_format = view.wanted_format
        return view

    def _pump(self) -> None:
        self._view.pump()
        if self._first_frame_s is None and self._view.first_painted_s is not None:
            self._first_frame_s = self._view.first_painted_s
            log.info("first frame painted")

    def _on_broken(self) -> None:
        """A driver that fails in mid-visit costs a blink, not the visit."""
        log.error("OpenGL fails on this machine; the picture is painted without it from now on")
        self._painted_before += self._view.painted
        self._view = self._build(RendererKind.RASTER)
        self.window.replace_view(self._view)
