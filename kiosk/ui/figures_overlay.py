"""The live figures over the picture: for the operator who wants to see how picture, voice and network do meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from kiosk.session.operator_view import Figure
from kiosk.ui.metrics import Metrics
from kiosk.ui.operator_entry import OperatorTools
from kiosk.ui.texts import Texts
from kiosk.ui.theme import Theme

NEWS_MS = 1000
SHARE = 0.7  # of the running text's height
PORTRAIT_SHARE = 0.52  # there the face is narrow, and the running text large
SMALLEST = 9  # pixels
PAD = 1.2  # heights of text, around all of it and between two columns
LINE = 1.45
GAP = 0.6  # between two groups
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Table:
    """Where everything stands, in pixels. `columns`: widths of names, latest values and those of the visit."""

    pixels: int
    columns: tuple[int, int, int] = (0, 0, 0)
    lines: int = 0
    gaps: int = 0

    @property
    def pad(self) -> int:
        return round(self.pixels * PAD)

    @property
    def line(self) -> int:
        return round(self.pixels * LINE)

    @property
    def gap(self) -> int:
        return round(self.pixels * GAP)

    @property
    def size(self) -> QSize:
        height = 2 * self.pad + self.lines * self.line + self.gaps * self.gap
        return QSize(sum(self.columns) + 4 * self.pad, height)

    def fits(self, room: QSize) -> bool:
        return self.size.width() <= room.width() and self.size.height() <= room.height()


class FiguresOverlay(QWidget):
    """Hidden until `toggle`. Takes no touches, looks once a second while it is seen, and costs nothing while it is not.

    It is opaque, so that Qt need not paint it again with every frame of the picture beneath.
    """

    def __init__(self, operator: OperatorTools, texts: Texts, theme: Theme, keys: str, parent: QWidget) -> None:
        """`keys`: what shows and hides it, for whoever wonders."""
        super().__init__(parent)
        self._keys = keys
        self._operator = operator
        self._texts = texts
        self._ground = QColor(theme.panel.rgb())  # without its transparency
        self._ink, self._quiet = theme.on_panel, theme.on_panel_quiet
        self._rows: Sequence[Figure] = ()
        self._room = QSize(640, 480)
        self._margin = 0
        self._table = Table(SMALLEST)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._timer = QTimer(self)
        self._timer.setInterval(NEWS_MS)
        self._timer.timeout.connect(self._look)
        self.hide()

    @property
    def rows(self) -> Sequence[Figure]:
        """What it shows."""
        return self._rows

    def toggle(self) -> None:
        self.setVisible(self.isHidden())

    def shut(self) -> None:
        """Stops what runs beside it. Idempotent."""
        self._timer.stop()

    def stand(self, window: QSize, metrics: Metrics) -> None:
        """The window has this size now."""
        self._margin = metrics.margin
        self._room = window - QSize(2 * metrics.margin, 2 * metrics.margin)
        self._table = Table(max(SMALLEST, metrics.em(PORTRAIT_SHARE if metrics.portrait else SHARE)))
        if not self.isHidden():
            self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _look(self) -> None:
        rows = self._operator.look().figures
        if rows != self._rows:
            self._rows = rows
            self._fit()
            self.update()

    # Size

    def _fit(self) -> None:
        """As large as its words, unless the window is smaller. It grows with them and does not shrink again at once:
        a ground that moves every second is hard to read on."""
        table = self._measure(self._table.pixels, self._table.columns)
        while not table.fits(self._room) and table.pixels > SMALLEST:
            table = self._measure(table.pixels - 1, (0, 0, 0))
        self._table = table
        self.setGeometry(QRect(self._margin, self._margin, table.size.width(), table.size.height()))

    def _measure(self, pixels: int, at_least: tuple[int, int, int]) -> Table:
        words = QFontMetrics(self._font(pixels))
        cells = [self._heads(), *((self._text(row.name), row.value, row.visit) for row in self._rows)]
        names, latest, visit = (
            max(widest, *(words.horizontalAdvance(cell[column]) for cell in cells))
            for column, widest in enumerate(at_least)
        )
        groups = len({row.group for row in self._rows})
        return Table(pixels, (names, latest, visit), len(cells), max(0, groups - 1))

    def _font(self, pixels: int) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(pixels)
        return font

    def _heads(self) -> tuple[str, str, str]:
        return self._keys, self._text("now"), self._text("visit")

    def _text(self, name: str) -> str:
        return self._texts.of(self._operator.language, f"operator.figure.{name}")

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._ground)
        painter.setFont(self._font(self._table.pixels))
        top = self._table.pad
        self._draw_line(painter, top, self._heads(), self._quiet)
        top += self._table.line
        group = self._rows[0].group if self._rows else ""
        for row in self._rows:
            if row.group != group:
                group = row.group
                top += self._table.gap
            self._draw_line(painter, top, (self._text(row.name), row.value, row.visit), self._ink)
            top += self._table.line
        painter.end()

    def _draw_line(self, painter: QPainter, top: int, cells: tuple[str, str, str], ink: QColor) -> None:
        table = self._table
        left = table.pad
        for column, (cell, width) in enumerate(zip(cells, table.columns, strict=True)):
            painter.setPen(ink if column == 1 else self._quiet)
            painter.drawText(QRect(left, top, width, table.line), LEFT if column == 0 else RIGHT, cell)
            left += width + table.pad
