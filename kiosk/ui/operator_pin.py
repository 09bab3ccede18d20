"""The keypad for the operator's PIN: by touch, and by the digits of a keyboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.labels import TextLabel
from kiosk.ui.metrics import Metrics
from kiosk.ui.pin_lock import PinLock
from kiosk.ui.theme import Theme

KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "⌫", "0", "OK")
LONGEST_PIN = 12
SPOKEN = {"⌫": "operator.pin.delete", "OK": "operator.pin.ok"}


class PinPad(QWidget):
    """`opened` when the PIN was right. What was typed is forgotten after each try."""

    opened = Signal()
    closed = Signal()

    def __init__(self, lock: PinLock, theme: Theme, text: Callable[..., str], parent: QWidget) -> None:
        """`text(key, **values)`: the operator's words."""
        super().__init__(parent)
        self._lock = lock
        self._text = text
        self._typed = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the pad itself takes digits and Enter
        self._title = TextLabel(theme.text, 1.6, strong=True)
        self._title.setText(text("operator.pin.title"))
        self.dots = TextLabel(theme.accent, 1.6, strong=True)
        self.line = TextLabel(theme.text_quiet, 1.0)
        self.keys = {key: self._key(key, theme) for key in KEYS}
        self.back = KioskButton(Weight.PLAIN, theme)
        self.back.say(text("operator.close"))
        self.back.clicked.connect(self.closed)
        self._grid = QGridLayout()
        for number, key in enumerate(self.keys.values()):
            self._grid.addWidget(key, number // 3, number % 3)
        middle = Qt.AlignmentFlag.AlignHCenter
        self._column = QVBoxLayout(self)
        self._column.addStretch(1)
        for widget in (self._title, self.dots, self.line):
            self._column.addWidget(widget)
        self._column.addLayout(self._grid)
        self._column.setAlignment(self._grid, middle)
        self._column.addWidget(self.back, 0, middle)
        self._column.addStretch(1)
        self._show()

    def _key(self, key: str, theme: Theme) -> KioskButton:
        button = KioskButton(Weight.PRIMARY if key == "OK" else Weight.PLAIN, theme)
        button.say(key)
        if key in SPOKEN:
            button.setAccessibleName(self._text(SPOKEN[key]))
        button.clicked.connect(lambda _checked=False: self.press(key))
        return button

    def set_metrics(self, metrics: Metrics) -> None:
        # Five rows of keys, the way back and three lines: a low screen wants smaller keys, never below a finger's size.
        while metrics.text > 14 and self._height(metrics) > self.height():
            metrics = metrics.smaller()
        for label in (self._title, self.dots, self.line):
            label.set_metrics(metrics)
        for button in (*self.keys.values(), self.back):
            button.set_metrics(metrics)
        for key in self.keys.values():
            key.setFixedWidth(round(key.sizeHint().height() * 1.9))
        self._grid.setSpacing(metrics.em(0.3))
        self._column.setSpacing(metrics.em(0.3))

    def _height(self, metrics: Metrics) -> int:
        return 5 * metrics.target + metrics.em(1.3 * (1.6 + 1.6 + 1.0)) + 11 * metrics.em(0.3)

    def press(self, key: str) -> None:
        match key:
            case "OK":
                self._try()
            case "⌫":
                self._typed = self._typed[:-1]
                self._show()
            case _ if len(self._typed) < LONGEST_PIN:
                self._typed += key
                self._show()

    def forget(self) -> None:
        self._typed = ""
        self._show()

    def _try(self) -> None:
        typed, self._typed = self._typed, ""
        if self._lock.opens(typed):
            self._show()
            self.opened.emit()
            return
        wait = self._lock.wait_s
        self._show(
            self._text("operator.pin.wait", seconds=round(wait)) if wait > 0.0 else self._text("operator.pin.wrong")
        )

    def _show(self, line: str = "") -> None:
        self.dots.setText("●" * len(self._typed) or "–")
        self.line.setText(line or self._text("operator.pin.line"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._try()
            case Qt.Key.Key_Backspace:
                self.press("⌫")
            case _ if event.text() in KEYS[:9] or event.text() == "0":
                self.press(event.text())
            case _:
                super().keyPressEvent(event)
