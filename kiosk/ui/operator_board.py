"""The operator's screen itself: what is going on, what it costs, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QScroller,
    QVBoxLayout,
    QWidget,
)

from kiosk.session.operator_view import OperatorActions, OperatorView
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.labels import TextLabel
from kiosk.ui.metrics import Metrics
from kiosk.ui.operator_parts import LEFT, Bar, Card, FactLine, Line, Rows
from kiosk.ui.theme import Theme

SURE_MS = 5000
"""So long the button that ends the kiosk waits for its second press."""


class OperatorBoard(QWidget):
    """`show_view` may be called as often as there is news. Wide windows have two columns."""

    closed = Signal()
    quit_asked = Signal()

    def __init__(self, actions: OperatorActions, theme: Theme, text: Callable[..., str], parent: QWidget) -> None:
        """`text(key, **values)`: the operator's words."""
        super().__init__(parent)
        self._actions = actions
        self._theme = theme
        self._text = text
        self._metrics = Metrics(18, False)
        self._open_shown: object = None
        self.title = TextLabel(theme.text, 1.6, strong=True)
        self.title.setText(text("operator.title"))
        self.title.setAlignment(LEFT)
        self.close_button = self._button("operator.close", Weight.PRIMARY, self.closed.emit)
        self._head = QHBoxLayout()
        self._head.addWidget(self.title, 1)
        self._head.addWidget(self.close_button)

        self._ground = QWidget()
        self._ground.setAutoFillBackground(False)
        self.now, self.now_rows = self._rows_card("operator.now")
        self.trouble = Line(theme, quiet=True)
        self.now.body.addWidget(self.trouble)
        self._fill_today()
        self.open, self.open_rows = self._rows_card("operator.open")
        self._facts = QVBoxLayout()
        self.open.body.addLayout(self._facts)
        self.facts: list[FactLine] = []
        self.figures, self.figure_rows = self._rows_card("operator.figures", Rows(self._theme, columns=3, scale=0.75))
        self._fill_providers()
        self._cards = (self.now, self.today, self.open, self.speakers, self.figures)
        self._columns = (QVBoxLayout(), QVBoxLayout())
        self._body = QHBoxLayout(self._ground)
        for column in self._columns:
            self._body.addLayout(column, 1)
        self.area = QScrollArea(self)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self._ground)
        self.area.viewport().setAutoFillBackground(False)
        QScroller.grabGesture(self.area.viewport(), QScroller.ScrollerGestureType.TouchGesture)

        self.leave = self._button("operator.leave", Weight.PLAIN, self._actions.leave)
        self.quit = self._button("operator.quit", Weight.PLAIN, self._on_quit)
        self._sure = QTimer(self)
        self._sure.setSingleShot(True)
        self._sure.setInterval(SURE_MS)
        self._sure.timeout.connect(lambda: self.quit.say(text("operator.quit")))
        self._foot = QHBoxLayout()
        self._foot.addWidget(self.leave)
        self._foot.addStretch(1)
        self._foot.addWidget(self.quit)

        self._column = QVBoxLayout(self)
        self._column.addLayout(self._head)
        self._column.addWidget(self.area, 1)
        self._column.addLayout(self._foot)
        self._place_cards()

    # Building

    def _button(self, key: str, weight: Weight, action: Callable[[], object]) -> KioskButton:
        button = KioskButton(weight, self._theme)
        button.say(self._text(key))
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _rows_card(self, key: str, rows: Rows | None = None) -> tuple[Card, Rows]:
        card, rows = Card(self._theme, self._ground), rows or Rows(self._theme)
        card.title.say(self._text(key))
        card.body.addWidget(rows)
        return card, rows

    def _fill_today(self) -> None:
        self.today = Card(self._theme, self._ground)
        self.today.title.say(self._text("operator.today"))
        self.visits, self.visits_bar = Line(self._theme), Bar(self._theme)
        self.minutes, self.minutes_bar = Line(self._theme), Bar(self._theme)
        self.warning = Line(self._theme, strong=True)
        self.warning.say(self._text("operator.near"))
        self.provider_rows = Rows(self._theme, columns=3)
        for widget in (self.visits, self.visits_bar, self.minutes, self.minutes_bar, self.warning, self.provider_rows):
            self.today.body.addWidget(widget)

    def _fill_providers(self) -> None:
        self.speakers = Card(self._theme, self._ground)
        self.speakers.title.say(self._text("operator.speakers"))
        self._group = QButtonGroup(self)
        self.choices: dict[str, KioskButton] = {}
        self._choice_grid = QGridLayout()
        for name in self._actions.providers:
            choice = KioskButton(Weight.CHOICE, self._theme)
            choice.say(name)
            choice.clicked.connect(lambda _checked=False, name=name: self._actions.switch(name))
            self._group.addButton(choice)
            self.choices[name] = choice
        self.speakers.body.addLayout(self._choice_grid)

    # What there is to see

    def show_view(self, view: OperatorView) -> None:
        text, metrics = self._text, self._metrics
        self.now_rows.show_rows(
            [(text("operator.phase"), text(f"operator.phase.{view.phase}")), (text("operator.avatar"), view.provider)],
            metrics,
        )
        self.trouble.setVisible(bool(view.trouble))
        self.trouble.say(text("operator.trouble", line=view.trouble) if view.trouble else "")
        self._show_today(view)
        self._show_open(view)
        self.figure_rows.show_rows(
            [
                ("", text("operator.figure.now"), text("operator.figure.visit")),
                *((text(f"operator.figure.{one.name}"), one.value, one.visit) for one in view.figures),
            ],
            metrics,
        )
        if view.provider in self.choices:
            self.choices[view.provider].setChecked(True)

    def _show_today(self, view: OperatorView) -> None:
        text, standing = self._text, view.standing
        used, budget = standing.spent, standing.budget
        for line, bar, key, count, limit in (
            (self.visits, self.visits_bar, "operator.visits", used.visits, budget.visits_per_day),
            (self.minutes, self.minutes_bar, "operator.minutes", used.minutes, budget.minutes_per_day),
        ):
            line.say(text(f"{key}.limit", used=count, limit=limit) if limit else text(key, used=count))
            bar.setVisible(bool(limit))
            bar.show_share(count / limit if limit else 0.0, near=standing.near)
        self.warning.setVisible(standing.near)
        self.provider_rows.show_rows(
            [
                (one.provider, text("operator.visits", used=one.visits), text("operator.minutes", used=one.minutes))
                for one in standing.by_provider
            ],
            self._metrics,
        )

    def _show_open(self, view: OperatorView) -> None:
        rows: list[tuple[str, ...]] = [(one.provider, _span(one.seconds)) for one in view.open]
        self.open_rows.show_rows(rows or [(self._text("operator.nothing"), "")], self._metrics)
        facts = tuple(fact for one in view.open for fact in one.facts)
        if facts == self._open_shown:
            return  # a key that is being held down must not be taken away
        self._open_shown = facts
        self._drop_facts()
        self.facts = [FactLine(self._theme, fact, self._text("operator.show")) for fact in facts]
        for line in self.facts:
            self._facts.addWidget(line)
        self.open.set_metrics(self._metrics)
        self._facts.setSpacing(self._metrics.em(0.5))

    def forget(self) -> None:
        """Facts of a session do not wait for whoever opens the screen next."""
        self._open_shown = None
        self._drop_facts()
        self._sure.stop()
        self.quit.say(self._text("operator.quit"))
        self.area.verticalScrollBar().setValue(0)

    def _drop_facts(self) -> None:
        for line in self.facts:
            line.hide()
            self._facts.removeWidget(line)
            line.deleteLater()
        self.facts = []

    # Size

    def set_metrics(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.title.set_metrics(metrics)
        for button in (self.close_button, self.leave, self.quit):
            button.set_metrics(metrics)
        for card in self._cards:
            card.set_metrics(metrics)
        margin, gap = metrics.margin, metrics.gap
        self._column.setContentsMargins(margin, gap, margin, gap)
        self._column.setSpacing(gap)
        self._body.setContentsMargins(0, 0, metrics.em(0.4), 0)  # beside the scroll bar
        for layout in (self._body, *self._columns):
            layout.setSpacing(gap)
        self._choice_grid.setSpacing(metrics.em(0.3))
        self.area.setStyleSheet(
            f"QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; }}"
            f" QScrollBar:vertical {{ background: transparent; width: {metrics.em(0.8)}px; }}"
            f" QScrollBar::handle:vertical {{ background: {self._theme.control_border.name()};"
            f" border-radius: {metrics.em(0.4)}px; min-height: {metrics.target}px; }}"
            " QScrollBar::add-line, QScrollBar::sub-line { height: 0; }"
        )
        self._place_cards()

    def _place_cards(self) -> None:
        wide = self.width() >= self._metrics.em(46)
        for column in self._columns:
            while column.count():
                column.takeAt(0)
        self._body.setStretch(1, int(wide))
        right = (self.open, self.figures) if wide else ()
        for card in self._cards:
            self._columns[card in right].addWidget(card)
        for column in self._columns:
            column.addStretch(1)
        self._place_choices(self.width() // (2 if wide else 1))

    def _place_choices(self, width: int) -> None:
        widest = max((choice.sizeHint().width() for choice in self.choices.values()), default=1)
        columns = max(1, (width - 2 * self._metrics.margin) // (widest + self._metrics.em(0.3)))
        for number, choice in enumerate(self.choices.values()):
            self._choice_grid.addWidget(choice, number // columns, number % columns, LEFT)
        for column in range(len(self.choices) + 1):
            self._choice_grid.setColumnStretch(column, int(column == columns))

    # What the operator does

    def _on_quit(self) -> None:
        if self._sure.isActive():
            self._sure.stop()
            self.quit_asked.emit()
            return
        self.quit.say(self._text("operator.sure"))
        self._sure.start()

    def shut(self) -> None:
        self._sure.stop()


def _span(seconds: float) -> str:
    """`3:07` minutes, `2:03:07` hours."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
