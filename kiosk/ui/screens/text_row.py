"""A line to type in, for visitors who cannot or do not want to speak aloud."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.glyphs import Glyph
from kiosk.ui.metrics import Metrics
from kiosk.ui.theme import Theme

LONGEST_INPUT = 500  # characters


class TextRow(QWidget):
    def __init__(self, theme: Theme, send: Callable[[str], None], touched: Callable[[], None], parent: QWidget) -> None:
        """`send` gets the trimmed, never empty text; `touched` is called while somebody types."""
        super().__init__(parent)
        self._theme = theme
        self._send = send
        self._touched = touched
        self.field = QLineEdit(self)
        self.field.setMaxLength(LONGEST_INPUT)
        self.field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.field.returnPressed.connect(self._submit)
        self.field.textEdited.connect(self._on_edited)
        self.button = KioskButton(Weight.PRIMARY, theme, Glyph.SEND)
        self.button.clicked.connect(self._submit)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.addWidget(self.field, 1)
        self._row.addWidget(self.button)
        self.hide()

    def say(self, hint: str, send: str) -> None:
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(hint)
        self.button.say(send)

    def set_metrics(self, metrics: Metrics) -> None:
        self.button.set_metrics(metrics)
        font = QFont(self.field.font())
        font.setPixelSize(metrics.em(1.1))
        self.field.setFont(font)
        self.field.setFixedHeight(metrics.target)
        self._row.setSpacing(metrics.gap)
        theme = self._theme
        self.field.setStyleSheet(
            f"QLineEdit {{ background: {theme.control.name()}; color: {theme.on_control.name()};"
            f" border: 2px solid {theme.control_border.name()}; border-radius: {metrics.target // 2}px;"
            f" padding: 0 {metrics.em(1.0)}px; selection-background-color: {theme.accent.name()};"
            f" selection-color: {theme.on_accent.name()}; }}"
            f" QLineEdit:focus {{ border: 3px solid {theme.focus.name()}; }}"
        )

    def forget(self) -> None:
        """The next visitor must not read what this one typed."""
        self.field.clear()
        self.hide()

    def _on_edited(self, _text: str) -> None:
        self._touched()

    def _submit(self) -> None:
        text = self.field.text().strip()
        self.field.clear()
        if text:
            self._send(text)
