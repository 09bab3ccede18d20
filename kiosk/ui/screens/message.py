"""Goodbye, and every state in which no visit is possible: friendly words, never an error text."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QWidget

from kiosk.session.view import Phase, Situation
from kiosk.ui.labels import TextLabel
from kiosk.ui.presence_mark import PresenceMark
from kiosk.ui.screens.screen import Screen, ScreenTools


class MessageScreen(Screen):
    def __init__(self, tools: ScreenTools, parent: QWidget) -> None:
        super().__init__(tools, parent)
        self.mark = PresenceMark(tools.theme, animate=False, parent=self.reading)
        self._title = TextLabel(tools.theme.text, 2.2, strong=True)
        self._line = TextLabel(tools.theme.text_quiet, 1.3)
        self.reading_layout.addWidget(self.mark, 1)
        self.reach_layout.addWidget(self._title)
        self.reach_layout.addWidget(self._line)
        self.reach_layout.addStretch(1)

    @property
    def words(self) -> str:
        return f"{self._title.text()}\n{self._line.text()}"

    def show_situation(self, situation: Situation) -> None:
        notice = situation.notice
        if not notice and situation.phase is Phase.OUT_OF_SERVICE:
            notice = "out_of_service"
        if not notice:
            self._title.setText(self.text(situation, "goodbye.title"))
            self._line.setText(self.text(situation, "goodbye.line"))
            return
        fallback = "goodbye.title" if situation.phase is Phase.GOODBYE else "out_of_service.title"
        title = f"{notice}.title" if self.tools.texts.has(f"{notice}.title") else fallback
        self._title.setText(self.text(situation, title))
        self._line.setText(self.tools.texts.notice(replace(situation, notice=notice)))
