"""How the operator gets in: by Ctrl+Alt+O, or by a finger that rests on the upper left corner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtWidgets import QWidget

from kiosk.session.operator_view import OperatorActions, OperatorView
from kiosk.ui.corner_hold import CornerHold
from kiosk.ui.metrics import Metrics
from kiosk.ui.pin_lock import PinLock
from kiosk.ui.screens.screen import ScreenTools

if TYPE_CHECKING:
    from kiosk.ui.operator_panel import OperatorPanel


@dataclass(frozen=True, slots=True)
class OperatorTools:
    """What the operator's screen is built with. `look` is asked once a second while it is open."""

    actions: OperatorActions
    look: Callable[[], OperatorView]
    lock: PinLock
    language: str = "en"


class OperatorEntry(QObject):
    """Full screen at a desk, the corner opens nothing without a PIN: any visitor could find it."""

    quit_asked = Signal()
    closed = Signal()

    def __init__(self, tools: ScreenTools, operator: OperatorTools, window: QWidget) -> None:
        super().__init__(window)
        self._tools = tools
        self._operator = operator
        self._window = window
        self.panel: OperatorPanel | None = None
        self._kiosk = False
        self.corner = CornerHold(window)
        self.corner.held.connect(self.open)
        self.corner.touched.connect(tools.actions.touch)

    @property
    def is_open(self) -> bool:
        return self.panel is not None and not self.panel.isHidden()

    def set_kiosk(self, kiosk: bool) -> None:
        self._kiosk = kiosk
        self.refresh()

    def refresh(self) -> None:
        """To be called when the lock has learnt its PIN."""
        lock = self._operator.lock
        self.corner.setVisible((lock.known and lock.needed) or not self._kiosk)

    def open(self) -> None:
        if self.panel is None:
            from kiosk.ui.operator_panel import OperatorPanel  # no visitor waits for it

            self.panel = OperatorPanel(self._tools, self._operator, self._window)
            self.panel.quit_asked.connect(self.quit_asked)
            self.panel.closed.connect(self.closed)
        if not self.is_open:
            self.panel.open(self._window.rect())

    def close(self) -> None:
        if self.panel is not None:
            self.panel.dismiss()

    def stand(self, room: QRect, metrics: Metrics) -> None:
        """The window has this size now."""
        self.corner.stand(metrics)
        if self.panel is not None:
            self.panel.setGeometry(room)

    def stay_on_top(self) -> None:
        """To be called when another screen was raised."""
        self.corner.raise_()
        if self.panel is not None:
            self.panel.raise_()

    def shut(self) -> None:
        self.corner.stop()
        if self.panel is not None:
            self.panel.shut()
