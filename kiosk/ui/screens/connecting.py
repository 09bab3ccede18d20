"""The avatar is on its way: a calm face, words that change once, and a way out."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from kiosk.session.view import Situation
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.labels import TextLabel
from kiosk.ui.presence_mark import PresenceMark
from kiosk.ui.screens.screen import Screen, ScreenTools

LATER_MS = 4000
SAID_IN_FULL = ("reconnecting", "stage_empty")


class ConnectingScreen(Screen):
    def __init__(self, tools: ScreenTools, parent: QWidget) -> None:
        super().__init__(tools, parent)
        theme = tools.theme
        self.mark = PresenceMark(theme, animate=tools.animate, parent=self.reading)
        self._title = TextLabel(theme.text, 1.9, strong=True)
        self._line = TextLabel(theme.text_quiet, 1.2)
        self.back = KioskButton(Weight.PLAIN, theme)
        self.back.clicked.connect(tools.actions.leave)
        self.reading_layout.addWidget(self.mark, 1)
        self.reach_layout.addWidget(self._title)
        self.reach_layout.addWidget(self._line)
        self.reach_layout.addStretch(1)
        self.reach_layout.addWidget(self.back, 0, Qt.AlignmentFlag.AlignHCenter)
        self.reach_layout.addStretch(1)
        self._situation: Situation | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(LATER_MS)
        self._later.timeout.connect(self._say_later)

    def show_situation(self, situation: Situation) -> None:
        self._situation = situation
        self._title.setText(self.text(situation, "connecting.title"))
        self._line.setText(self._words(situation))
        self.back.say(self.text(situation, "connecting.back"))

    def _words(self, situation: Situation) -> str:
        if situation.notice in SAID_IN_FULL:
            return self.tools.texts.notice(situation)
        waited = self.isVisible() and not self._later.isActive()
        return self.text(situation, "connecting.later" if waited or situation.notice else "connecting.line")

    def _say_later(self) -> None:
        if self._situation is not None:
            self.show_situation(self._situation)

    def first_control(self) -> KioskButton:
        return self.back

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._later.start()
        if self._situation is not None:
            self.show_situation(self._situation)

    def hideEvent(self, event: QHideEvent) -> None:
        self._later.stop()
        super().hideEvent(event)
