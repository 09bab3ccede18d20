"""The conversation: the avatar fills the window, everything else lies over the picture."""

from __future__ import annotations

from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from kiosk.links.contract import AvatarMode, Caption, Card, Speaker, Suggestions
from kiosk.session.view import Situation, Words
from kiosk.ui.captions import CaptionPanel
from kiosk.ui.card import CardPanel
from kiosk.ui.chips import ChipShelf
from kiosk.ui.controls import KioskButton, Weight
from kiosk.ui.glyphs import Glyph
from kiosk.ui.labels import Pill
from kiosk.ui.metrics import Metrics, metrics_for
from kiosk.ui.microphone_mark import MicrophoneMark
from kiosk.ui.screens.idle_panel import IDLE_NOTICE
from kiosk.ui.screens.screen import ScreenTools
from kiosk.ui.screens.text_row import TextRow

WIDEST_CAPTION_EM = 44
SMALLEST_FACTOR = 0.6
LARGEST_SCALE = 1.6  # beyond it captions, card and notice no longer stand beside each other
NARROWEST_CAPTION_EM = 24
LEAST_CAPTION_EM = 4.3  # the height of two lines
CHIP_ROWS_PORTRAIT = 4
CHIPS_SHARE = 0.29  # of the width, in landscape
CHIPS_EM = 15  # and at least so much
CARD_EM = 15
CARD_SHARE = 0.32  # of the height, in portrait
LIPS = 0.61  # of the height: captions stay below the face
LIPS_PORTRAIT = 0.51


class LiveScreen(QWidget):
    """Transparent. Status stands at the top, controls and captions at the bottom."""

    def __init__(self, tools: ScreenTools, parent: QWidget) -> None:
        super().__init__(parent)
        self.tools = tools
        self.metrics = Metrics(18, False)
        self._situation: Situation | None = None
        self._typed = 0
        theme, actions = tools.theme, tools.actions
        self.badge = Pill(theme.panel, theme.on_panel, 0.9, self)
        self.banner = Pill(theme.panel, theme.on_panel, 1.15, self)
        self.microphone = MicrophoneMark(theme, self)
        self.captions = CaptionPanel(theme, self)
        self.chips = ChipShelf(theme, self._send, self)
        self.card = CardPanel(theme, self._arrange, self._close_card, self)
        self.text_row = TextRow(theme, self._send, actions.touch, self)
        self.interrupt = KioskButton(Weight.PLAIN, theme, Glyph.STOP, self)
        self.type = KioskButton(Weight.PLAIN, theme, Glyph.KEYBOARD, self)
        self.goodbye = KioskButton(Weight.PLAIN, theme, Glyph.LEAVE, self)
        self.interrupt.clicked.connect(actions.interrupt)
        self.type.clicked.connect(self._toggle_text_row)
        self.goodbye.clicked.connect(actions.leave)
        self.hide()

    def show_situation(self, situation: Situation) -> None:
        before, self._situation = self._situation, situation
        texts, language = self.tools.texts, situation.language
        if before is None or before.language != language:
            self.badge.say(texts.of(language, "live.badge"), Glyph.AVATAR)
            self.interrupt.say(texts.of(language, "live.interrupt"))
            self.type.say(texts.of(language, "live.type"))
            self.goodbye.say(texts.of(language, "live.goodbye"))
            self.text_row.say(texts.of(language, "live.hint"), texts.of(language, "live.send"))
            self.card.say(texts.of(language, "card.scan"), texts.of(language, "card.close"))
            self.chips.setAccessibleName(texts.of(language, "chips.name"))
            self.captions.set_names(texts.of(language, "caption.visitor"), texts.of(language, "caption.avatar"))
        self.microphone.say(self._status(situation), is_open=situation.microphone)
        self.banner.say(self._notice(situation))
        self.interrupt.setVisible(situation.can_interrupt)
        self.interrupt.setEnabled(situation.mode is AvatarMode.SPEAKING)
        self.type.setVisible(situation.can_type)
        if not situation.can_type:
            self.text_row.hide()
        self._arrange()

    def _status(self, situation: Situation) -> str:
        key = "live.microphone_off"
        if situation.microphone or situation.mode is not AvatarMode.LISTENING:
            key = f"live.{situation.mode.value}"
        return self.tools.texts.of(situation.language, key)

    def _notice(self, situation: Situation) -> str:
        # The idle panel says its notice itself.
        return "" if situation.notice == IDLE_NOTICE else self.tools.texts.notice(situation)

    def first_control(self) -> KioskButton:
        return self.goodbye

    def show_words(self, words: Words) -> None:
        match words:
            case Caption():
                self.captions.add(words)
            case Suggestions(questions):
                self.chips.offer(questions)
                self._arrange()
            case Card():
                self.card.present(words)
                self._arrange()

    def forget(self) -> None:
        """Nothing of this visit stays on the screen for the next visitor."""
        self.captions.clear()
        self.chips.forget()
        self.card.forget()
        self.text_row.forget()

    def shut(self) -> None:
        self.forget()
        self.card.shut()

    def _close_card(self) -> None:
        self.tools.actions.touch()
        self.card.forget()
        self._arrange()

    def _send(self, text: str) -> None:
        # Nobody transcribes what is typed; the visitor sees it taken up all the same.
        self._typed += 1
        self.captions.add(Caption(Speaker.VISITOR, f"typed-{self._typed}", text, True))
        self.tools.actions.type_text(text)

    def _toggle_text_row(self) -> None:
        self.tools.actions.touch()
        self.text_row.setVisible(not self.text_row.isVisible())
        self._arrange()
        if self.text_row.isVisible():
            self.text_row.field.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.metrics = metrics_for(self.width(), self.height(), min(self.tools.text_scale, LARGEST_SCALE))
        self.text_row.set_metrics(self.metrics)
        self._arrange()

    def _arrange(self) -> None:
        metrics, width = self.metrics, self.width()
        margin, gap = metrics.margin, metrics.gap
        badge = self.badge.fit(metrics, width // 2)
        mark = self.microphone.fit(metrics)
        top = margin
        tallest = max(badge.height(), mark.height())
        self.badge.move(margin, top + (tallest - badge.height()) // 2)
        self.microphone.move(margin + badge.width() + gap, top + (tallest - mark.height()) // 2)
        self.banner.setVisible(bool(self.banner.text))
        if self.banner.text:
            size = self.banner.fit(metrics, width - 2 * margin)
            self.banner.move((width - size.width()) // 2, top + tallest + gap)
        ceiling = top + tallest + gap
        if self.banner.text:
            ceiling = self.banner.geometry().bottom() + 1 + gap
        self._arrange_words(self._arrange_buttons(self.height() - margin) - gap, ceiling)

    def _arrange_words(self, bottom: int, ceiling: int) -> None:
        """What is to be read and chosen, between the controls and the status. The face stays to be seen: in landscape
        questions stand at its left and the card at its right, and captions never reach up to its lips."""
        metrics, margin, gap = self.metrics, self.metrics.margin, self.metrics.gap
        left, right = margin, self.width() - margin
        has_card = bool(self.card.card.title)
        if metrics.portrait:
            bottom = self._stand_text_row(left, right, bottom)
            bottom -= self._rows_of_chips(left, right, bottom, 1 if has_card else CHIP_ROWS_PORTRAIT)
            lips = round(self.height() * LIPS_PORTRAIT)
            taken = self.card.stand(left, bottom, right - left, round(self.height() * CARD_SHARE), metrics)
            bottom -= taken + gap if taken else 0
        else:
            lips = round(self.height() * LIPS)
            if has_card:
                card = min(max(metrics.em(CARD_EM), round(self.width() * 0.33)), round(self.width() * 0.42))
                self.card.stand(right - card, bottom, card, bottom - ceiling, metrics)
                right -= card + gap
                bottom = self._stand_text_row(left, right, bottom)
                bottom -= self._rows_of_chips(left, right, bottom, 1)
            else:
                left, right = self._beside_chips(left, right, bottom)
                bottom = self._stand_text_row(left, right, bottom)
        left, column = self._column(left, right)
        # Two lines are worth more than the lips, where only one of them can be seen.
        tallest = max(bottom - max(ceiling, lips), min(metrics.em(LEAST_CAPTION_EM), bottom - ceiling))
        self.captions.stand(left, bottom, column, metrics, tallest=tallest)

    def _column(self, left: int, right: int) -> tuple[int, int]:
        """Left edge and width of a column that can be read well, centred between two edges."""
        width = min(right - left, self.metrics.em(WIDEST_CAPTION_EM))
        return left + (right - left - width) // 2, width

    def _stand_text_row(self, left: int, right: int, bottom: int) -> int:
        if self.text_row.isHidden():
            return bottom
        left, column = self._column(left, right)
        target = self.metrics.target
        self.text_row.setGeometry(left, bottom - target, column, target)
        return bottom - target - self.metrics.gap

    def _offers_chips(self) -> bool:
        """Only where typing would be understood."""
        return self._situation is not None and self._situation.can_type and bool(self.chips.questions)

    def _rows_of_chips(self, left: int, right: int, bottom: int, rows: int) -> int:
        """The height they take, with the gap above them."""
        if not self._offers_chips():
            self.chips.hide()
            return 0
        reach = self.height() // 2
        taken = self.chips.stand(left, bottom, right - left, self.metrics, reach=reach, most_rows=rows)
        return taken.height() + self.metrics.gap if taken.height() else 0

    def _beside_chips(self, left: int, right: int, bottom: int) -> tuple[int, int]:
        """The edges of what stands beside the questions: in the middle of the window where there is room."""
        if not self._offers_chips():
            self.chips.hide()
            return left, right
        widest = max(round(self.width() * CHIPS_SHARE), self.metrics.em(CHIPS_EM))
        taken = self.chips.stand_in_column(left, bottom, widest, self.metrics, reach=self.height() // 2)
        inset = taken.width() + self.metrics.gap if taken.width() else 0
        centred = right - left - 2 * inset >= self.metrics.em(NARROWEST_CAPTION_EM)
        return left + inset, right - inset if centred else right

    def _arrange_buttons(self, bottom: int) -> int:
        """Centres the row of visible buttons above `bottom`; returns its upper edge."""
        shown = [button for button in (self.interrupt, self.type, self.goodbye) if not button.isHidden()]
        gap = self.metrics.gap
        room = self.width() - 2 * self.metrics.gap - gap * (len(shown) - 1)
        for button in shown:
            button.set_metrics(self.metrics)
        natural = sum(button.sizeHint().width() for button in shown)
        if natural > room:
            # Long words on a narrow screen: the whole row becomes a little smaller, never one button alone.
            for button in shown:
                button.set_metrics(self.metrics, max(SMALLEST_FACTOR, room / natural * 0.98))
        sizes = [button.sizeHint() for button in shown]
        left = (self.width() - sum(size.width() for size in sizes) - gap * (len(sizes) - 1)) // 2
        for button, size in zip(shown, sizes, strict=True):
            button.setGeometry(left, bottom - size.height(), size.width(), size.height())
            left += size.width() + gap
        return bottom - max(size.height() for size in sizes)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.tools.actions.touch()
