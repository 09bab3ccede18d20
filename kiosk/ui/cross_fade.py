"""The time in which one avatar's picture goes over into the next one's."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QVariantAnimation

CROSS_FADE_MS = 250


class CrossFade(QObject):
    """Counts the share of the picture before from 1 down to 0, and asks for a repaint at each step."""

    def __init__(self, repaint: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._repaint = repaint
        self._share = 0.0
        self._animation = QVariantAnimation(self)
        self._animation.setDuration(CROSS_FADE_MS)
        self._animation.setStartValue(1.0)
        self._animation.setEndValue(0.0)
        self._animation.valueChanged.connect(self._on_value)

    @property
    def share(self) -> float:
        """Of the picture before in what is to be painted now; 0 while nothing fades."""
        return self._share

    def begin(self) -> None:
        self._animation.stop()
        self._share = 1.0
        self._animation.start()

    def stop(self) -> None:
        self._animation.stop()
        self._share = 0.0

    def _on_value(self, value: float) -> None:
        self._share = value
        self._repaint()
