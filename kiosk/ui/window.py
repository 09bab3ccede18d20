"""The kiosk's one window: the avatar's picture, and over it the screen that fits the situation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, QTimer, QVariantAnimation, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QWidget

from kiosk.links.contract import Card
from kiosk.session.view import Phase, Situation, VisitorActions, Words
from kiosk.ui.cursor_rest import CursorRest
from kiosk.ui.frame_source import FrameRenderer
from kiosk.ui.labels import Pill
from kiosk.ui.metrics import Metrics, metrics_for
from kiosk.ui.operator_entry import OperatorEntry, OperatorTools
from kiosk.ui.screen_set import CONVERSING, AnyScreen, ScreenSet
from kiosk.ui.screens.idle_panel import IDLE_NOTICE, IdlePanel
from kiosk.ui.screens.live import LiveScreen
from kiosk.ui.screens.screen import Screen, ScreenTools
from kiosk.ui.screens.waiting import WaitingScreen
from kiosk.ui.texts import Texts
from kiosk.ui.theme import Theme

if TYPE_CHECKING:
    from kiosk.ui.figures_overlay import FiguresOverlay

log = logging.getLogger("kiosk.screen")

REVEAL_MS = 220
ANNOUNCE_MS = 250
REVEAL_FROM = 0.35  # the first frame is to be seen at once, not only after the fade
QUIT_KEYS = "Ctrl+Alt+Q"
OPERATOR_KEYS = "Ctrl+Alt+O"
FIGURES_KEYS = "Ctrl+Alt+I"


class KioskWindow(QWidget):
    """Draws what it is told by `show_situation`, `show_words` and `set_microphone_level`, all on the GUI thread.

    `operator_quit` asks for the end of the program: by the operator's keys, and by the close button of a window. The
    window itself stays until `shut`, so that the visit can be ended in order first.
    """

    operator_quit = Signal()

    def __init__(
        self,
        view: FrameRenderer,
        actions: VisitorActions,
        texts: Texts,
        theme: Theme,
        *,
        languages: Sequence[str] = (),
        badge: str = "",
        text_scale: float = 1.0,
        animate: bool = True,
        operator: OperatorTools | None = None,
    ) -> None:
        """`languages`: what the visitor may choose, in this order (default: all that the texts know).

        `badge`: a few words in the corner, such as 'simulated'. `animate=False` for people whom motion disturbs.

        Without `operator` there is no operator's screen.
        """
        super().__init__()
        self.setAutoFillBackground(False)
        self._actions = actions
        self._tools = ScreenTools(actions, texts, theme, text_scale, animate)
        self._languages = [language for language in languages or texts.languages if language in texts.languages]
        self._languages = self._languages or texts.languages[:1]
        self._situation = Situation(Phase.ATTRACT, language=self._languages[0])
        self._is_kiosk = False
        self._shut = False
        self._cursor_rest: CursorRest | None = None
        self._view = view
        view.widget().setParent(self)
        self._screens = ScreenSet(self._tools, self._languages, self)
        self._shown: AnyScreen | None = None
        self._idle: IdlePanel | None = None
        self._reveal = QVariantAnimation(self)
        self._reveal.setDuration(REVEAL_MS)
        self._reveal.setStartValue(REVEAL_FROM)
        self._reveal.setEndValue(1.0)
        self._reveal.valueChanged.connect(self._on_reveal)
        self._badge = Pill(theme.panel, theme.on_panel, 0.8, self) if badge else None
        if self._badge is not None:
            self._badge.say(badge)
        self._add_shortcut("Escape", self._on_escape)
        self._add_shortcut(QUIT_KEYS, self._on_quit_keys)
        self._operator = None if operator is None else OperatorEntry(self._tools, operator, self)
        self._figures: FiguresOverlay | None = None
        if operator is not None and self._operator is not None:
            self._add_shortcut(OPERATOR_KEYS, self._operator.open)
            self._add_shortcut(FIGURES_KEYS, lambda: self._toggle_figures(operator))
            self._operator.quit_asked.connect(self._on_quit_keys)
            self._operator.closed.connect(self._focus_first_control)
        self._refresh(self._situation, entered=False, notice_changed=False, mode_changed=False)

    def _add_shortcut(self, keys: str, action: Callable[[], None]) -> None:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
        shortcut.activated.connect(action)

    # What the kiosk tells the window

    @property
    def situation(self) -> Situation:
        return self._situation

    @property
    def view(self) -> FrameRenderer:
        return self._view

    @property
    def screen_shown(self) -> QWidget | None:
        """The screen that is on top of the picture now."""
        return self._shown

    @property
    def idle_panel(self) -> IdlePanel | None:
        """The countdown's panel once it was needed."""
        return self._idle

    @property
    def operator(self) -> OperatorEntry | None:
        """The way to the operator's screen."""
        return self._operator

    @property
    def figures(self) -> FiguresOverlay | None:
        """The live figures over the picture, once they were asked for."""
        return self._figures

    def show_situation(self, situation: Situation) -> None:
        if self._shut:
            return
        before, self._situation = self._situation, situation
        self._refresh(
            situation,
            entered=situation.phase is not before.phase,
            notice_changed=situation.notice != before.notice,
            mode_changed=situation.mode is not before.mode,
        )

    def expect_company(self) -> None:
        """From now on a face waits with the visitor while the avatar is on its way."""
        if not self._shut:
            self._screens.has_company = True
            self._refresh(self._situation, entered=False, notice_changed=False, mode_changed=False)

    def show_words(self, words: Words) -> None:
        """Captions, suggestions and cards of this visit; they may come a little before the picture."""
        if not self._shut and self._situation.phase in (Phase.CONNECTING, *CONVERSING):
            self._screens.live.show_words(words)
            if isinstance(words, Card) and words.title:
                self._announce(f"{words.title}\n{words.text}")

    def set_microphone_level(self, dbfs: float) -> None:
        """How loud the microphone hears, in dBFS; may be called as often as it is measured."""
        if isinstance(self._shown, LiveScreen):
            self._shown.microphone.set_level(dbfs)

    def replace_view(self, view: FrameRenderer) -> None:
        """Another view takes the place of a broken one, without a restart."""
        old, self._view = self._view, view
        widget = view.widget()
        widget.setParent(self)
        widget.setGeometry(self.rect())
        widget.lower()
        widget.show()
        old.shut()
        old.widget().hide()
        old.widget().deleteLater()

    # Size and place

    def show_kiosk(self) -> None:
        """Fills the screen it is on. Without a window manager full screen is an empty word, so the size is set too."""
        self._set_kiosk(True)
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint, True)
        screen = self.screen()
        self.setGeometry(screen.geometry())
        screen.geometryChanged.connect(self._on_screen_changed)
        if self._cursor_rest is None:
            self._cursor_rest = CursorRest(self)
        self.showFullScreen()
        self.setGeometry(screen.geometry())
        self.activateWindow()

    def show_windowed(self, width: int, height: int) -> None:
        """A window of `width` x `height` device-independent pixels."""
        self._set_kiosk(False)
        self.resize(width, height)
        self.show()
        self.activateWindow()

    def _set_kiosk(self, kiosk: bool) -> None:
        self._is_kiosk = kiosk
        if self._operator is not None:
            self._operator.set_kiosk(kiosk)

    def _on_screen_changed(self, geometry: QRect) -> None:
        if self._is_kiosk:
            self.setGeometry(geometry)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _metrics(self) -> Metrics:
        return metrics_for(self.width(), self.height(), self._tools.text_scale)

    def _arrange(self) -> None:
        self._view.widget().setGeometry(self.rect())
        if self._shown is not None:
            self._shown.setGeometry(self.rect())
        metrics = self._metrics()
        if self._idle is not None and not self._idle.isHidden():
            self._idle.stand(self.size(), metrics)
        if self._badge is not None:
            size = self._badge.fit(metrics, self.width() // 2)
            self._badge.move(self.width() - size.width() - metrics.margin, metrics.margin)
        if self._figures is not None:
            self._figures.stand(self.size(), metrics)
        if self._operator is not None:
            self._operator.stand(self.rect(), metrics)

    # Drawing a situation

    def _refresh(self, situation: Situation, *, entered: bool, notice_changed: bool, mode_changed: bool) -> None:
        if entered and situation.phase is Phase.WELCOME:
            self._screens.welcome.begin(situation.language)
        screen = self._screens.fitting(situation)
        screen.show_situation(situation)
        if isinstance(screen, Screen) and self._tools.text_scale > 1.0:
            screen.settle()
        if screen is not self._shown:
            self._swap(screen)
        self._show_idle(situation)
        if entered and situation.phase is Phase.ATTRACT:
            self._forget_visit()
        if notice_changed and situation.notice:
            self._announce(self._tools.texts.notice(situation))
        if entered and situation.phase is Phase.CONNECTING:
            QTimer.singleShot(0, self, self._screens.prepare)
        if isinstance(screen, LiveScreen) and (entered or mode_changed):
            self._announce(screen.microphone.accessibleName())

    def _swap(self, screen: AnyScreen) -> None:
        previous, self._shown = self._shown, screen
        screen.setGeometry(self.rect())
        screen.show()
        screen.raise_()
        # The focus moves before its old owner is hidden; otherwise Qt moves it as if Tab had been pressed.
        self._focus_first_control()
        if previous is not None:
            previous.hide()
        if self._badge is not None:
            self._badge.raise_()
        if self._figures is not None:
            self._figures.raise_()
        if self._operator is not None:
            self._operator.stay_on_top()
        if isinstance(screen, LiveScreen | WaitingScreen) and self._tools.animate:
            self._show_picture(isinstance(previous, WaitingScreen))

    def _show_picture(self, is_shown: bool) -> None:
        """One that is shown already goes over into the next by itself."""
        if not is_shown:
            self._view.set_fade(REVEAL_FROM)
            self._reveal.start()

    def _on_reveal(self, value: float) -> None:
        self._view.set_fade(value)

    def _show_idle(self, situation: Situation) -> None:
        if situation.notice != IDLE_NOTICE or situation.ends_in_s is None:
            if self._idle is not None and not self._idle.isHidden():
                self._focus_first_control()
                self._idle.hide()
            return
        if self._idle is None:
            self._idle = IdlePanel(self._tools, self)
        self._idle.show_situation(situation)
        if self._idle.isHidden():
            self._idle.stand(self.size(), self._metrics())
            self._idle.show()
            self._idle.raise_()
            if not self._operator_looks():
                self._idle.stay.setFocus(Qt.FocusReason.OtherFocusReason)
            if self._operator is not None:
                self._operator.stay_on_top()

    def _operator_looks(self) -> bool:
        return self._operator is not None and self._operator.is_open

    def _focus_first_control(self) -> None:
        if self._operator_looks():
            return
        first = self._shown.first_control() if self._shown is not None else None
        if first is not None:
            first.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _forget_visit(self) -> None:
        """Privacy: neither the picture nor a word of the last visit waits for the next visitor."""
        self._reveal.stop()
        self._view.clear()
        self._view.set_fade(1.0)
        self._screens.forget_visit()

    def _announce(self, words: str) -> None:
        """For screen readers, which nobody hears so exactly; the picture comes first."""
        QTimer.singleShot(ANNOUNCE_MS, self, lambda: self._announce_now(words))

    def _announce_now(self, words: str) -> None:
        # These two bring many enumerations with them, which the start of the kiosk should not wait for.
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    # Keys and the end

    def _on_escape(self) -> None:
        if self._operator is not None and self._operator.is_open:
            self._operator.close()
        elif not self._is_kiosk:
            self._actions.leave()

    def _toggle_figures(self, operator: OperatorTools) -> None:
        if self._figures is None:
            from kiosk.ui.figures_overlay import FiguresOverlay  # no visitor waits for it

            self._figures = FiguresOverlay(operator, self._tools.texts, self._tools.theme, FIGURES_KEYS, self)
            self._figures.stand(self.size(), self._metrics())
        self._figures.toggle()
        self._figures.raise_()
        if self._operator is not None:
            self._operator.stay_on_top()

    def _on_quit_keys(self) -> None:
        log.info("the operator asked for the end")
        self.operator_quit.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._shut:
            event.accept()
            return
        event.ignore()
        if not self._is_kiosk:
            self.operator_quit.emit()

    def shut(self) -> None:
        """Stops every timer and animation and closes the window. Idempotent."""
        if self._shut:
            return
        self._shut = True
        self._reveal.stop()
        if self._cursor_rest is not None:
            self._cursor_rest.stop()
        if self._figures is not None:
            self._figures.shut()
        if self._operator is not None:
            self._operator.shut()
        self._view.shut()
        self._screens.shut()
        self.close()
