"""Questions to touch: what a visitor might ask next, within reach and beside the face."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeySequence
from PySide6.QtWidgets import QWidget

from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.metrics import Metrics
from kiosk.ui.theme import Theme

MOST = 6
LONGEST_QUESTION = 300  # characters that are looked at
REPEAT_MS = 1000  # a second touch so soon is the same touch of an unsteady hand
SIZE = 0.94
GAP_EM = 0.35
HALF_FROM_EM = 34  # rows at least this wide hold two chips or more


class Chip(KioskButton):
    """One question; too long a one ends in an ellipsis on the screen, but not for a screen reader."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(Weight.OFFER, theme, parent=parent)
        self.question = ""
        # A touched chip soon gives way to the next questions; the focus must not wander off with it.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()

    def ask(self, question: str, widest: int) -> int:
        """Takes the words, at most `widest` pixels wide, and returns the width that they need."""
        self.question = question
        shown = " ".join(question.split())[:LONGEST_QUESTION]
        self.say(shown)
        if self.sizeHint().width() > widest:
            ends = self.sizeHint().width() - QFontMetrics(self.font()).horizontalAdvance(shown)
            room = max(0, widest - ends)
            self.say(QFontMetrics(self.font()).elidedText(shown, Qt.TextElideMode.ElideRight, room))
        self.setShortcut(QKeySequence())  # an ampersand in a question is no key of ours
        self.setAccessibleName(question)
        return min(self.sizeHint().width(), widest)


class ChipShelf(QWidget):
    """Stands above the controls and grows upwards; `pick` gets the whole question that was touched."""

    def __init__(self, theme: Theme, pick: Callable[[str], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._pick = pick
        self._questions: tuple[str, ...] = ()
        self._since_pick = QElapsedTimer()
        # A fixed number, made before the other controls, so that the Tab key comes by in the order of the screen.
        self.chips = [Chip(theme, self) for _ in range(MOST)]
        for chip in self.chips:
            chip.clicked.connect(lambda _checked=False, chip=chip: self._on_touched(chip))
        self.hide()

    @property
    def questions(self) -> tuple[str, ...]:
        """What is offered, shown or not."""
        return self._questions

    def offer(self, questions: tuple[str, ...]) -> None:
        """Replaces what was offered before; empty and repeated questions are left out. Call `stand` after it."""
        self._questions = tuple(dict.fromkeys(question for question in questions if question.strip()))[:MOST]

    def stand(self, left: int, bottom: int, width: int, metrics: Metrics, *, reach: int, most_rows: int) -> QSize:
        """Rows across `width`, each centred. Returns the size that they take above `bottom`.

        No chip's centre stands higher than `reach`, the highest row of pixels that a seated visitor can touch.
        """
        return self._stand(left, bottom, width, metrics, reach, most_rows, column=False)

    def stand_in_column(self, left: int, bottom: int, width: int, metrics: Metrics, *, reach: int) -> QSize:
        """As `stand`, but one chip a row, from `left` on."""
        return self._stand(left, bottom, width, metrics, reach, MOST, column=True)

    def _stand(
        self, left: int, bottom: int, width: int, metrics: Metrics, reach: int, most_rows: int, *, column: bool
    ) -> QSize:
        for chip in self.chips:
            chip.set_metrics(metrics, SIZE)
        gap = metrics.em(GAP_EM)
        high = self.chips[0].sizeHint().height()
        step = high + gap
        most_rows = min(most_rows, (bottom - reach - high // 2) // step + 1)
        rows = self._column(width, most_rows) if column else self._rows(width, gap, metrics, most_rows)
        height = max(0, len(rows) * step - gap)
        widest = max((sum(each for _, each in row) + gap * (len(row) - 1) for row in rows), default=0)
        self.setGeometry(left, bottom - height, widest if column else width, height)
        used = 0
        for number, row in enumerate(rows):
            x = 0 if column else (width - sum(each for _, each in row) - gap * (len(row) - 1)) // 2
            for chip, needed in row:
                chip.setGeometry(x, number * step, needed, high)
                chip.show()
                x += needed + gap
                used += 1
        for chip in self.chips[used:]:
            self._put_away(chip)
        self.setVisible(bool(rows))
        return QSize(widest, height)

    def _column(self, width: int, most_rows: int) -> list[list[tuple[Chip, int]]]:
        offered = list(zip(self.chips, self._questions, strict=False))[: max(0, most_rows)]
        return [[(chip, chip.ask(question, width))] for chip, question in offered]

    def _rows(self, width: int, gap: int, metrics: Metrics, most_rows: int) -> list[list[tuple[Chip, int]]]:
        """Chips with their widths, in the order of the questions; what does not fit is not offered."""
        rows: list[list[tuple[Chip, int]]] = []
        widest = (width - gap) // 2 if width >= metrics.em(HALF_FROM_EM) else width
        left = 0
        for chip, question in zip(self.chips, self._questions, strict=False):
            needed = chip.ask(question, widest)
            if not rows or needed > left:
                if len(rows) >= most_rows:
                    break
                rows.append([])
                left = width
            rows[-1].append((chip, needed))
            left -= needed + gap
        return [self._widened(row, width - gap * (len(row) - 1)) for row in rows]

    def _widened(self, row: list[tuple[Chip, int]], room: int) -> list[tuple[Chip, int]]:
        """What a row has left goes to the questions that were cut short."""
        spare = room - sum(width for _, width in row)
        widened: list[tuple[Chip, int]] = []
        for chip, width in row:
            needed = chip.ask(chip.question, width + spare)
            spare -= needed - width
            widened.append((chip, needed))
        return widened

    def forget(self) -> None:
        self._questions = ()
        for chip in self.chips:
            self._put_away(chip)
        self.hide()

    def _put_away(self, chip: Chip) -> None:
        chip.hide()
        chip.question = ""
        chip.say("")
        chip.setAccessibleName("")

    def _on_touched(self, chip: Chip) -> None:
        if not chip.question or (self._since_pick.isValid() and self._since_pick.elapsed() < REPEAT_MS):
            return
        self._since_pick.start()
        self._pick(chip.question)
