"""Says that an AI is about to speak and that the microphone opens, and lets the visitor choose a language."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget

from kiosk.session.view import Situation
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.glyphs import Glyph
from kiosk.ui.labels import TextLabel
from kiosk.ui.presence_mark import PresenceMark
from kiosk.ui.screens.screen import Screen, ScreenTools


class WelcomeScreen(Screen):
    def __init__(self, tools: ScreenTools, languages: list[str], parent: QWidget) -> None:
        super().__init__(tools, parent)
        theme = tools.theme
        self.language = languages[0]
        self._situation: Situation | None = None
        self.mark = PresenceMark(theme, animate=False, parent=self.reading)
        self._title = TextLabel(theme.text, 2.0, strong=True)
        self._ai = TextLabel(theme.text, 1.2)
        self._microphone = TextLabel(theme.text_quiet, 1.05)
        self.reading_layout.addWidget(self.mark, 1)
        for label in (self._title, self._ai, self._microphone):
            self.reading_layout.addWidget(label)

        self._choose = TextLabel(theme.text_quiet, 0.95)
        self._languages_row = QHBoxLayout()
        self._group = QButtonGroup(self)
        self.choices: dict[str, KioskButton] = {}
        self._languages_row.addStretch(1)
        for language in languages:
            choice = KioskButton(Weight.CHOICE, theme)
            choice.say(tools.texts.of(language, "language.name"))
            choice.clicked.connect(lambda _checked=False, code=language: self._choose_language(code))
            self._group.addButton(choice)
            self._languages_row.addWidget(choice)
            self.choices[language] = choice
        self._languages_row.addStretch(1)
        self.start = KioskButton(Weight.PRIMARY, theme, Glyph.MICROPHONE)
        self.start.clicked.connect(self._accept)
        self.back = KioskButton(Weight.PLAIN, theme)
        self.back.clicked.connect(tools.actions.leave)
        self._last_row = QHBoxLayout()
        self._last_row.addStretch(1)
        self._last_row.addWidget(self.back)
        self._last_row.addWidget(self.start)
        self._last_row.addStretch(1)
        several = len(languages) > 1
        self._choose.setVisible(several)
        for choice in self.choices.values():
            choice.setVisible(several)
        self.reach_layout.addStretch(1)
        self.reach_layout.addWidget(self._choose, 0, Qt.AlignmentFlag.AlignBottom)
        self.reach_layout.addLayout(self._languages_row)
        self.reach_layout.addStretch(1)
        self.reach_layout.addLayout(self._last_row)
        self.reach_layout.addStretch(1)

    def begin(self, language: str) -> None:
        """A new visitor: the choice starts from the kiosk's own language."""
        known = self.tools.texts.known(language)
        self.language = known if known in self.choices else next(iter(self.choices))

    def show_situation(self, situation: Situation) -> None:
        self._situation = situation
        texts = self.tools.texts
        self._title.setText(texts.of(self.language, "welcome.title"))
        self._ai.setText(texts.of(self.language, "welcome.ai"))
        self._microphone.setText(texts.of(self.language, "welcome.microphone"))
        self._choose.setText(texts.of(self.language, "welcome.language"))
        self.start.say(texts.of(self.language, "welcome.start"))
        self.back.say(texts.of(self.language, "welcome.back"))
        self.choices[self.language].setChecked(True)

    def first_control(self) -> KioskButton:
        return self.start

    def arrange(self) -> None:
        super().arrange()
        self.start.set_metrics(self.metrics, 1.2)
        self.back.set_metrics(self.metrics, 1.2)
        for row in (self._languages_row, self._last_row):
            row.setSpacing(self.metrics.gap)

    def _choose_language(self, language: str) -> None:
        self.language = language
        self.tools.actions.touch()
        if self._situation is not None:
            self.show_situation(self._situation)

    def _accept(self) -> None:
        self.tools.actions.accept(self.language)
