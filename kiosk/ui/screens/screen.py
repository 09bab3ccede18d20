"""What all screens share: an upper half to read and a lower half to touch, which a seated visitor can reach."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPixmap, QRadialGradient, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kiosk.session.view import Situation, VisitorActions
from kiosk.ui.controls import KioskButton
from kiosk.ui.labels import TextLabel
from kiosk.ui.metrics import Metrics, metrics_for
from kiosk.ui.texts import Texts
from kiosk.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class ScreenTools:
    """What every screen is built with."""

    actions: VisitorActions
    texts: Texts
    theme: Theme
    text_scale: float = 1.0
    animate: bool = True


class Screen(QWidget):
    """Fills its parent. Subclasses fill `reading` and `reach` and override `show_situation` and `arrange`."""

    def __init__(self, tools: ScreenTools, parent: QWidget) -> None:
        super().__init__(parent)
        self.tools = tools
        self.metrics = Metrics(18, False)
        self._backdrop: QPixmap | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.reading, self.reading_layout = self._half()
        self.reach, self.reach_layout = self._half()
        self.hide()

    def _half(self) -> tuple[QWidget, QVBoxLayout]:
        half = QWidget(self)
        layout = QVBoxLayout(half)
        layout.setContentsMargins(0, 0, 0, 0)
        return half, layout

    def show_situation(self, situation: Situation) -> None:
        """Puts the words and states of a situation on the screen."""

    def first_control(self) -> KioskButton | None:
        """What Enter presses when the screen appears."""
        return None

    def arrange(self) -> None:
        """Applies `self.metrics` to fonts, sizes and gaps."""
        metrics = self.metrics
        for label in self.findChildren(TextLabel):
            label.set_metrics(metrics)
        for button in self.findChildren(KioskButton):
            button.set_metrics(metrics)
        widest = metrics.em(44)
        side = max(metrics.margin, (self.width() - widest) // 2)
        half = self.height() // 2
        self.reading.setGeometry(QRect(0, 0, self.width(), half))
        self.reach.setGeometry(QRect(0, half, self.width(), self.height() - half))
        self.reading_layout.setContentsMargins(side, metrics.margin, side, metrics.gap // 2)
        self.reach_layout.setContentsMargins(side, metrics.gap // 2, side, metrics.margin)
        for layout in (self.reading_layout, self.reach_layout):
            layout.setSpacing(metrics.gap)

    def settle(self) -> None:
        """Arranges the screen in the size of text that the operator wants, or the largest at which all its words fit;
        never smaller than the size that suits the screen by itself. To be called when words have changed."""
        natural = metrics_for(self.width(), self.height(), min(1.0, self.tools.text_scale))
        self.metrics = metrics_for(self.width(), self.height(), self.tools.text_scale)
        self.arrange()
        while self.metrics.text > natural.text and not self._fits():
            self.metrics = self.metrics.smaller()
            self.arrange()

    def _fits(self) -> bool:
        for half, layout in ((self.reading, self.reading_layout), (self.reach, self.reach_layout)):
            layout.invalidate()
            needed = layout.totalMinimumHeightForWidth(half.width())
            if layout.totalMinimumSize().width() > half.width() or needed > half.height():
                return False
        return True

    def text(self, situation: Situation, key: str, **values: object) -> str:
        return self.tools.texts.of(situation.language, key, **values)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._backdrop = None
        self.settle()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A touch beside the controls only proves that somebody is there."""
        self.tools.actions.touch()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._backdrop is None:
            self._backdrop = self._draw_backdrop()
        painter = QPainter(self)
        painter.drawPixmap(event.rect(), self._backdrop, self._in_pixels(event.rect()))
        painter.end()

    def _in_pixels(self, area: QRect) -> QRect:
        ratio = self.devicePixelRatio()
        return QRect(
            round(area.x() * ratio), round(area.y() * ratio), round(area.width() * ratio), round(area.height() * ratio)
        )

    def _draw_backdrop(self) -> QPixmap:
        theme, ratio = self.tools.theme, self.devicePixelRatio()
        width, height = float(self.width()), float(self.height())
        backdrop = QPixmap(round(width * ratio), round(height * ratio))
        backdrop.setDevicePixelRatio(ratio)
        painter = QPainter(backdrop)
        ground = QLinearGradient(0.0, 0.0, 0.0, height)
        ground.setColorAt(0.0, theme.backdrop_top)
        ground.setColorAt(1.0, theme.backdrop_bottom)
        painter.fillRect(self.rect(), ground)
        glow = QRadialGradient(width / 2.0, height * 0.3, max(width, height) * 0.5)
        inner, outer = theme.glow.toRgb(), theme.glow.toRgb()
        inner.setAlphaF(0.42)
        outer.setAlphaF(0.0)
        glow.setColorAt(0.0, inner)
        glow.setColorAt(1.0, outer)
        painter.fillRect(self.rect(), glow)
        painter.end()
        return backdrop
