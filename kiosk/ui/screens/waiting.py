"""The avatar is on its way, and a face keeps the visitor company: a few words below it, and a way out."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QMouseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from kiosk.session.view import Situation
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.glyphs import Glyph
from kiosk.ui.labels import Pill
from kiosk.ui.metrics import Metrics, metrics_for
from kiosk.ui.screens.connecting import LATER_MS
from kiosk.ui.screens.live import LARGEST_SCALE
from kiosk.ui.screens.screen import ScreenTools


class WaitingScreen(QWidget):
    """Transparent, and arranged as the conversation will be: nothing jumps when the avatar comes."""

    def __init__(self, tools: ScreenTools, parent: QWidget) -> None:
        super().__init__(parent)
        self.tools = tools
        self.metrics = Metrics(18, False)
        self._situation: Situation | None = None
        self.badge = Pill(tools.theme.panel, tools.theme.on_panel, 0.9, self)
        self.words = Pill(tools.theme.panel, tools.theme.on_panel, 1.15, self)
        self.back = KioskButton(Weight.PLAIN, tools.theme, Glyph.LEAVE, self)
        self.back.clicked.connect(tools.actions.leave)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(LATER_MS)
        self._later.timeout.connect(self._say_later)
        self.hide()

    def show_situation(self, situation: Situation) -> None:
        self._situation = situation
        waited = self.isVisible() and not self._later.isActive()
        key = "connecting.later" if waited or situation.notice else "connecting.company"
        self.badge.say(self.tools.texts.of(situation.language, "live.badge"), Glyph.AVATAR)
        self.words.say(self.tools.texts.of(situation.language, key))
        self.back.say(self.tools.texts.of(situation.language, "connecting.back"))
        self._arrange()

    def first_control(self) -> KioskButton:
        return self.back

    def _say_later(self) -> None:
        if self._situation is not None:
            self.show_situation(self._situation)

    def _arrange(self) -> None:
        metrics, width = self.metrics, self.width()
        self.badge.fit(metrics, width // 2)
        self.badge.move(metrics.margin, metrics.margin)
        self.back.set_metrics(metrics)
        button = self.back.sizeHint()
        top = self.height() - metrics.margin - button.height()
        self.back.setGeometry((width - button.width()) // 2, top, button.width(), button.height())
        words = self.words.fit(metrics, width - 2 * metrics.margin)
        self.words.move((width - words.width()) // 2, top - metrics.gap - words.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.metrics = metrics_for(self.width(), self.height(), min(self.tools.text_scale, LARGEST_SCALE))
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._later.start()
        if self._situation is not None:
            self.show_situation(self._situation)

    def hideEvent(self, event: QHideEvent) -> None:
        self._later.stop()
        super().hideEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.tools.actions.touch()
