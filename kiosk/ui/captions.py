"""What both sides say, in writing, at the bottom of the picture: the newest words are always the ones to be seen."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from kiosk.links.contract import Caption, Speaker
from kiosk.ui.metrics import Metrics
from kiosk.ui.text_lines import wrap
from kiosk.ui.theme import Theme

LINES = {Speaker.VISITOR: 2, Speaker.AVATAR: 3}
ELLIPSIS = "… "
LINGER_MS = 12_000
LONGEST_TEXT = 2000  # characters of one caption that are looked at; the end counts
NAME_KEYS = {Speaker.VISITOR: "caption.visitor", Speaker.AVATAR: "caption.avatar"}


@dataclass(frozen=True, slots=True)
class Turn:
    speaker: Speaker
    lines: tuple[str, ...]


class CaptionPanel(QWidget):
    """At most one caption of each side, in the order in which they began. Grows upwards from its bottom edge.

    Hidden while there is nothing to read. `names`: what the two sides are called on the screen.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._captions: list[Caption] = []
        self._names = {Speaker.VISITOR: "", Speaker.AVATAR: ""}
        self._metrics = Metrics(18, False)
        self._bottom = 0
        self._left = 0
        self._width = 100
        self._tallest = 10_000
        self._turns: list[Turn] = []
        self._look: QPixmap | None = None
        self._linger = QTimer(self)
        self._linger.setSingleShot(True)
        self._linger.setInterval(LINGER_MS)
        self._linger.timeout.connect(self.clear)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @property
    def lines(self) -> list[tuple[Speaker, str]]:
        """What can be read just now, line by line."""
        return [(turn.speaker, line) for turn in self._turns for line in turn.lines]

    def set_names(self, visitor: str, avatar: str) -> None:
        self._names = {Speaker.VISITOR: visitor, Speaker.AVATAR: avatar}
        self._arrange()

    def stand(self, left: int, bottom: int, width: int, metrics: Metrics, *, tallest: int) -> None:
        """Where it stands: `bottom` is the first pixel row below it. With less room the older lines are left out."""
        self._left, self._bottom, self._width, self._metrics = left, bottom, width, metrics
        self._tallest = tallest
        self._arrange()

    def add(self, caption: Caption) -> None:
        """A caption with a known segment replaces the earlier one; a new one of the same side takes its place."""
        kept = [known for known in self._captions if known.speaker is not caption.speaker]
        same = [known for known in self._captions if known.segment == caption.segment]
        if same:
            self._captions = [caption if known.speaker is caption.speaker else known for known in self._captions]
        else:
            self._captions = [*kept, caption]
        if not caption.text.strip():
            self._captions = [known for known in self._captions if known is not caption]
        self._linger.start()
        self._arrange()

    def clear(self) -> None:
        self._linger.stop()
        self._captions = []
        self._arrange()

    def _font(self, strong: bool = False) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(self._metrics.em(1.1))
        font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
        return font

    def _line_height(self) -> int:
        return self._metrics.em(1.5)

    def _pad(self) -> int:
        return self._metrics.em(0.8)

    def _arrange(self) -> None:
        self._turns = self._turns_that_fit()
        self._look = None
        if not self._turns:
            self.setAccessibleName("")
            self.hide()
            return
        height = self._height(self._turns)
        self.setGeometry(self._left, self._bottom - height, self._width, height)
        self.setAccessibleName("\n".join(" ".join(turn.lines) for turn in self._turns))
        self.show()
        self.update()

    def _height(self, turns: list[Turn]) -> int:
        breaks = self._metrics.em(0.35) * (len(turns) - 1)
        return sum(len(turn.lines) for turn in turns) * self._line_height() + breaks + 2 * round(self._pad() * 0.7)

    def _turns_that_fit(self) -> list[Turn]:
        """Where room is scarce the older words go first."""
        limits = dict(LINES)
        captions = [caption for caption in self._captions if caption.text.strip()]
        while captions:
            turns = [Turn(caption.speaker, self._wrap(caption, limits[caption.speaker])) for caption in captions]
            if self._height(turns) <= self._tallest or (len(turns) == 1 and len(turns[0].lines) == 1):
                return turns
            oldest = turns[0]
            if len(oldest.lines) > 1:
                limits[oldest.speaker] = len(oldest.lines) - 1
            else:
                captions = captions[1:]
        return []

    def _wrap(self, caption: Caption, limit: int) -> tuple[str, ...]:
        """The last lines that fit, the speaker's name in front of the text."""
        room = self._width - 2 * self._pad()
        said = " ".join(caption.text.split())[-LONGEST_TEXT:]
        text = f"{self._names[caption.speaker]}:  {said}"
        return self._last_lines(wrap(text, self._font(), room), limit, room)

    def _last_lines(self, lines: list[str], limit: int, room: int) -> tuple[str, ...]:
        """The newest words; an ellipsis takes the place of what no longer fits."""
        if len(lines) <= limit:
            return tuple(lines)
        first, *rest = lines[-limit:]
        metrics = QFontMetrics(self._font())
        while " " in first and metrics.horizontalAdvance(ELLIPSIS + first) > room:
            first = first.split(" ", 1)[1]
        return (ELLIPSIS + first, *rest)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._look is None:
            self._look = self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._look)
        painter.end()

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatio()
        look = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        look.setDevicePixelRatio(ratio)
        look.fill(Qt.GlobalColor.transparent)
        painter = QPainter(look)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.panel)
        radius = float(self._metrics.em(0.8))
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        pad, step = self._pad(), self._line_height()
        top = float(round(pad * 0.7))
        painter.setFont(self._font())
        for turn in self._turns:
            visitor = turn.speaker is Speaker.VISITOR
            painter.setPen(self._theme.on_panel_quiet if visitor else self._theme.on_panel)
            for line in turn.lines:
                area = QRectF(QPointF(pad, top), QPointF(self.width() - pad + 2.0, top + step))
                painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line)
                top += step
            top += self._metrics.em(0.35)
        painter.end()
        return look
