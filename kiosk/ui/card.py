"""Something to look at beside an answer, and a way to close it. A link is only ever text: the kiosk opens nothing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from kiosk.links.contract import Card
from kiosk.ui.card_art import CardArt, CardArtist
from kiosk.ui.card_layout import CardLayout, CardRoom, lay_out, picture_box
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.metrics import SMALLEST_TEXT, Metrics
from kiosk.ui.qr import draw_qr
from kiosk.ui.theme import Theme

NOTHING = CardLayout((), QRect(), QRect(), QRect(), 0)


class CardPanel(QWidget):
    """Hidden while there is nothing to show. `changed`: its picture came, and it may need another height.

    `closed`: the visitor wants to see it no longer.
    """

    def __init__(self, theme: Theme, changed: Callable[[], None], closed: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._changed = changed
        self._card = Card()
        self._art = CardArt()
        self._drawn_for: Card | None = None
        self._scan = ""
        self._metrics = Metrics(18, False)
        self._place = QRect()
        self._layout = NOTHING
        self._look: QPixmap | None = None
        self._artist = CardArtist(self)
        self._artist.ready.connect(self._on_art)
        self.close_button = KioskButton(Weight.PLAIN, theme, parent=self)
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # it goes with the card
        self.close_button.clicked.connect(closed)
        self.hide()

    @property
    def card(self) -> Card:
        """What is shown; an empty title means nothing."""
        return self._card

    @property
    def art(self) -> CardArt:
        return self._art

    @property
    def placed(self) -> CardLayout:
        """Where its parts stand, in its own pixels."""
        return self._layout

    @property
    def lines(self) -> list[str]:
        """What can be read just now, line by line."""
        return [line for block in self._layout.blocks for line in block.lines]

    def say(self, scan: str, close: str) -> None:
        """The words beside the code, and on the button."""
        self._scan = scan
        self.close_button.say(close)

    def present(self, card: Card) -> None:
        """Takes the place of the card before it; an empty title takes the card away. Call `stand` after it."""
        if card == self._card:
            return
        self.forget()
        if card.title.strip():
            self._card = card

    def forget(self) -> None:
        self._artist.forget()
        self._card, self._art, self._drawn_for = Card(), CardArt(), None
        self._layout, self._look = NOTHING, None
        self.setAccessibleName("")
        self.setAccessibleDescription("")
        self.hide()

    def shut(self) -> None:
        """Ends its thread. Idempotent."""
        self.forget()
        self._artist.shut()

    def stand(self, left: int, bottom: int, width: int, tallest: int, metrics: Metrics) -> int:
        """Takes the height it needs above `bottom`, at most `tallest`, and returns it; 0 while there is no card."""
        if not self._card.title:
            return 0
        self._metrics, self._place = metrics, QRect(left, bottom - tallest, width, tallest)
        if self._drawn_for is not self._card:
            self._drawn_for = self._card
            if self._card.picture is not None or self._card.qr:
                self._artist.draw(self._card, picture_box(self._room(self._metrics)))
        self._arrange()
        self.show()
        return self.height()

    def _room(self, metrics: Metrics) -> CardRoom:
        self.close_button.set_metrics(metrics, 0.9)
        size, button = self._place, self.close_button.sizeHint()
        return CardRoom(size.width(), size.height(), metrics, self.font(), button, self.devicePixelRatio())

    def _arrange(self) -> None:
        metrics = self._metrics
        self._layout = lay_out(self._card, self._art, self._scan, self._room(metrics))
        while self._layout.height > self._place.height() and metrics.text > SMALLEST_TEXT:
            metrics = metrics.smaller()
            self._layout = lay_out(self._card, self._art, self._scan, self._room(metrics))
        height = self._layout.height
        self.setGeometry(self._place.left(), self._place.bottom() + 1 - height, self._place.width(), height)
        self.close_button.setGeometry(self._layout.button)
        self.setAccessibleName(self._card.title)
        self.setAccessibleDescription("\n".join(part for part in (self._card.text, self._card.link) if part))
        self._look = None
        self.update()

    def _on_art(self, art: CardArt) -> None:
        self._art = art
        self._changed()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._look is None:
            self._look = self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._look)
        painter.end()

    def _draw(self) -> QPixmap:
        ratio, theme, layout = self.devicePixelRatio(), self._theme, self._layout
        look = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        look.setDevicePixelRatio(ratio)
        look.fill(Qt.GlobalColor.transparent)
        painter = QPainter(look)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        edge = max(1.0, self._metrics.text / 16)
        painter.setPen(QPen(theme.control_border, edge))
        painter.setBrush(theme.panel)
        radius = float(self._metrics.em(0.9))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(edge, edge, -edge, -edge), radius, radius)
        if self._art.picture is not None and not layout.picture.isEmpty():
            painter.drawImage(layout.picture, self._art.picture)
        for block in layout.blocks:
            painter.setFont(block.font)
            painter.setPen(theme.on_panel_quiet if block.quiet else theme.on_panel)
            row = QRectF(block.x, block.y, block.width + 2, block.step)
            for line in block.lines:
                painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line)
                row.translate(0, block.step)
        if self._art.qr is not None and not layout.code.isEmpty():
            draw_qr(painter, self._art.qr, layout.code, ratio)
        painter.end()
        return look
