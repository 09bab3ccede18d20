"""Which screen fits a situation. A screen is built when it is first needed, so that the window opens sooner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from kiosk.session.view import Phase, Situation
from kiosk.ui.screens.attract import AttractScreen
from kiosk.ui.screens.connecting import ConnectingScreen
from kiosk.ui.screens.live import LiveScreen
from kiosk.ui.screens.message import MessageScreen
from kiosk.ui.screens.screen import Screen, ScreenTools
from kiosk.ui.screens.waiting import WaitingScreen

if TYPE_CHECKING:
    from kiosk.ui.screens.welcome import WelcomeScreen

CONVERSING = (Phase.LIVE, Phase.FALLBACK, Phase.RECOVERING)
AnyScreen = Screen | LiveScreen | WaitingScreen
MESSAGES = (Phase.GOODBYE, Phase.OUT_OF_SERVICE)


class ScreenSet:
    def __init__(self, tools: ScreenTools, languages: Sequence[str], window: QWidget) -> None:
        self._tools = tools
        self._languages = list(languages)
        self._window = window
        self.has_company = False  # a face waits with the visitor

    @cached_property
    def attract(self) -> AttractScreen:
        return AttractScreen(self._tools, self._window)

    @cached_property
    def welcome(self) -> WelcomeScreen:
        from kiosk.ui.screens.welcome import WelcomeScreen  # not every kiosk shows it

        return WelcomeScreen(self._tools, self._languages, self._window)

    @cached_property
    def connecting(self) -> ConnectingScreen:
        return ConnectingScreen(self._tools, self._window)

    @cached_property
    def waiting(self) -> WaitingScreen:
        return WaitingScreen(self._tools, self._window)

    @cached_property
    def live(self) -> LiveScreen:
        return LiveScreen(self._tools, self._window)

    @cached_property
    def message(self) -> MessageScreen:
        return MessageScreen(self._tools, self._window)

    def fitting(self, situation: Situation) -> AnyScreen:
        phase = situation.phase
        if phase in MESSAGES:
            return self.message
        if phase is Phase.WELCOME:
            return self.welcome
        if phase in CONVERSING and (situation.picture or phase is Phase.FALLBACK):
            return self.live
        if phase is Phase.ATTRACT:
            return self.attract
        if self.has_company and situation.awaits_avatar:
            return self.waiting
        return self.connecting

    def prepare(self) -> None:
        """While the avatar is on its way: its picture then does not wait for the screen."""
        _ = self.live

    def forget_visit(self) -> None:
        """Nothing that the last visitor said or typed stays, without building a screen that was never shown."""
        if "live" in self.__dict__:
            self.live.forget()

    def shut(self) -> None:
        """Ends what a screen keeps running beside itself."""
        if "live" in self.__dict__:
            self.live.shut()
