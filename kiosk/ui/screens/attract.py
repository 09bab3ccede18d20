"""Nobody is there: a friendly face and one invitation. The whole screen is the button."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from kiosk.session.view import Situation
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.glyphs import Glyph
from kiosk.ui.labels import TextLabel
from kiosk.ui.presence_mark import PresenceMark
from kiosk.ui.screens.screen import Screen, ScreenTools

CENTRE = Qt.AlignmentFlag.AlignHCenter


class AttractScreen(Screen):
    def __init__(self, tools: ScreenTools, parent: QWidget) -> None:
        super().__init__(tools, parent)
        theme = tools.theme
        self.mark = PresenceMark(theme, animate=tools.animate, parent=self.reading)
        self._title = TextLabel(theme.text, 2.3, strong=True)
        self._line = TextLabel(theme.text_quiet, 1.25)
        self._notice = TextLabel(theme.text_quiet, 1.0)
        self.begin = KioskButton(Weight.PRIMARY, theme, Glyph.HAND)
        self.begin.clicked.connect(tools.actions.touch)
        self.reading_layout.addWidget(self.mark, 1)
        self.reach_layout.addWidget(self._title)
        self.reach_layout.addWidget(self._line)
        self.reach_layout.addStretch(1)
        self.reach_layout.addWidget(self.begin, 0, CENTRE)
        self.reach_layout.addStretch(1)
        self.reach_layout.addWidget(self._notice)

    def show_situation(self, situation: Situation) -> None:
        self._title.setText(self.text(situation, "attract.title"))
        self._line.setText(self.text(situation, "attract.line"))
        self.begin.say(self.text(situation, "attract.button"))
        self._notice.setText(self.tools.texts.notice(situation))
        self._notice.setVisible(bool(situation.notice))

    def first_control(self) -> KioskButton:
        return self.begin

    def arrange(self) -> None:
        super().arrange()
        self.begin.set_metrics(self.metrics, 1.35)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The visit begins when the finger leaves the screen: what comes next must not be hit by the same touch."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.tools.actions.touch()
