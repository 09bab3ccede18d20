"""What the operator's screen is put together from: cards with lines, a bar, and facts that may be secret."""

from __future__ import annotations

import re

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kiosk.providers.contract import Fact
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.labels import TextLabel
from kiosk.ui.metrics import Metrics
from kiosk.ui.theme import Theme

HIDDEN = "••••••••"
LONGEST_WORD = 16
INVISIBLE_BREAK = "\u200b"

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def breakable(text: str) -> str:
    """`text` with places at which a line may break within long words, such as addresses and keys: after a mark where
    there is one, else anywhere."""
    pieces = re.split(r"(?<=[/.:?&=_-])", text)
    return INVISIBLE_BREAK.join(
        piece if max(map(len, piece.split(" "))) <= LONGEST_WORD else INVISIBLE_BREAK.join(piece) for piece in pieces
    )


class Line(TextLabel):
    """Words at the left or right edge of a card. Its accessible name is what it says."""

    def __init__(self, theme: Theme, scale: float = 0.95, *, quiet: bool = False, strong: bool = False) -> None:
        super().__init__(theme.text_quiet if quiet else theme.on_control, scale, strong=strong)
        self.setTextFormat(Qt.TextFormat.PlainText)  # operator's lines and vendors' words are no markup
        self.setAlignment(LEFT)

    def say(self, text: str) -> None:
        if text != self.accessibleName():
            self.setAccessibleName(text)
            self.setText(breakable(text))


class Card(QWidget):
    """A titled ground. Put rows into `body`; call `set_metrics` when they have changed."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.metrics = Metrics(18, False)
        self.title = Line(theme, 1.05, strong=True)
        palette = self.title.palette()
        palette.setColor(QPalette.ColorRole.WindowText, theme.on_control)
        self.title.setPalette(palette)
        self.body = QVBoxLayout(self)
        self.body.addWidget(self.title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

    def set_metrics(self, metrics: Metrics) -> None:
        self.metrics = metrics
        pad = metrics.em(0.9)
        self.body.setContentsMargins(pad, pad, pad, pad)
        self.body.setSpacing(metrics.em(0.5))
        for label in self.findChildren(TextLabel):
            label.set_metrics(metrics)
        for button in self.findChildren(KioskButton):
            button.set_metrics(metrics)
        for bar in self.findChildren(Bar):
            bar.setFixedHeight(metrics.em(0.6))
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._theme.control_pressed)  # a light card on a light ground needs an edge
        painter.setBrush(self._theme.control)
        radius = float(self.metrics.em(0.7))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.end()


class Rows(QWidget):
    """Names at the left, values at the right; rows come and go with what there is to say."""

    def __init__(self, theme: Theme, columns: int = 2, scale: float = 0.95) -> None:
        """`scale` times the running text's size."""
        super().__init__()
        self._theme = theme
        self._scale = scale
        self._columns = columns
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(0, 1)
        self._cells: list[list[Line]] = []

    @property
    def words(self) -> list[tuple[str, ...]]:
        return [tuple(cell.accessibleName() for cell in row) for row in self._cells if row[0].isVisibleTo(self)]

    def show_rows(self, rows: list[tuple[str, ...]], metrics: Metrics) -> None:
        while len(self._cells) < len(rows):
            number = len(self._cells)
            cells = [Line(self._theme, self._scale, quiet=column == 0) for column in range(self._columns)]
            for column, cell in enumerate(cells):
                if column:
                    cell.setAlignment(RIGHT)
                    cell.setWordWrap(False)
                cell.set_metrics(metrics)
                self._grid.addWidget(cell, number, column)
            self._cells.append(cells)
        self._grid.setHorizontalSpacing(metrics.em(1.2))
        self._grid.setVerticalSpacing(metrics.em(0.35))
        for number, cells in enumerate(self._cells):
            for column, cell in enumerate(cells):
                cell.setVisible(number < len(rows))
                if number < len(rows):
                    cell.say(rows[number][column])


class Bar(QWidget):
    """How much of a limit is used. `share` from 0 to 1; `near`: the operator should look."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._share = 0.0
        self._near = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_share(self, share: float, *, near: bool) -> None:
        share = min(1.0, max(0.0, share))
        if (share, near) != (self._share, self._near):
            self._share, self._near = share, near
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(40, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = self.height() / 2.0
        painter.setBrush(self._theme.control_pressed)
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        if self._share > 0.0:
            painter.setBrush(self._theme.focus if self._near else self._theme.accent)
            width = max(2.0 * radius, self.width() * self._share)
            painter.drawRoundedRect(QRectF(0.0, 0.0, width, self.height()), radius, radius)
        painter.end()


class FactLine(QWidget):
    """A fact of a session. A secret one shows while its button is held, by finger or by the space bar."""

    def __init__(self, theme: Theme, fact: Fact, show: str) -> None:
        """`show`: the words on the button."""
        super().__init__()
        self._fact = fact
        words = QVBoxLayout()
        words.setSpacing(0)
        self._label = Line(theme, 0.85, quiet=True)
        self._label.say(fact.label)
        self.value = Line(theme)
        words.addWidget(self._label)
        words.addWidget(self.value)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(words, 1)
        self.show_button: KioskButton | None = None
        if fact.secret:
            self.show_button = KioskButton(Weight.PLAIN, theme)
            self.show_button.say(show)
            self.show_button.setAccessibleName(f"{show}: {fact.label}")
            self.show_button.pressed.connect(self.reveal)
            self.show_button.released.connect(self.conceal)
            row.addWidget(self.show_button)
        self.conceal()

    def reveal(self) -> None:
        self.value.say(self._fact.value)

    def conceal(self) -> None:
        self.value.say(HIDDEN if self._fact.secret else self._fact.value)
