"""Every screen as a PNG, to be looked at: `python -m tests.window.gallery FOLDER [dark|light] [en|de] [WxH]`."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QApplication
from shiboken6 import Shiboken

from kiosk.clock import SystemClock
from kiosk.links.contract import AvatarMode, Caption, Card, Speaker, Suggestions
from kiosk.media.frames import PixelFormat, VideoFrame
from kiosk.persona.face import FaceState
from kiosk.persona.look import load_look
from kiosk.persona.painter import FacePainter
from kiosk.resources import resources_dir
from kiosk.session.view import Phase, Situation, Words
from kiosk.ui.application import configure_qt, create_application
from kiosk.ui.raster_view import RasterView
from kiosk.ui.screens.live import LiveScreen
from kiosk.ui.texts import Texts
from kiosk.ui.theme import load_theme
from kiosk.ui.window import KioskWindow
from tests.display import Display
from tests.window.frames import FrameList
from tests.window.operator_scene import Operator
from tests.window.visitor import Visitor

LIVE = Situation(Phase.LIVE, AvatarMode.SPEAKING, picture=True, microphone=True, can_type=True, can_interrupt=True)
SITUATIONS = {
    "attract": Situation(Phase.ATTRACT),
    "welcome": Situation(Phase.WELCOME),
    "connecting": Situation(Phase.CONNECTING),
    "live": LIVE,
    "live-chips": LIVE,
    "live-card": LIVE,
    "live-code": LIVE,
    "live-typing": LIVE,
    "live-silent": replace(LIVE, mode=AvatarMode.LISTENING, microphone=False, notice="no_microphone"),
    "recovering": replace(LIVE, phase=Phase.RECOVERING, notice="reconnecting"),
    "ending": replace(LIVE, notice="ending_soon", ends_in_s=25.0),
    "idle": replace(LIVE, notice="still_there", ends_in_s=8.0, mode=AvatarMode.LISTENING),
    "goodbye": Situation(Phase.GOODBYE),
    "goodbye-busy": Situation(Phase.GOODBYE, notice="busy"),
    "out-of-service": Situation(Phase.OUT_OF_SERVICE, notice="out_of_service"),
}
CAPTIONS = (
    Caption(Speaker.VISITOR, "v1", "Where do I find the lift to the second floor?", True),
    Caption(
        Speaker.AVATAR,
        "a1",
        "The lift is just behind you, to the left of the café. On the second floor turn right; "
        "room 214 is the third door. Shall I tell Ms Berger that you have arrived?",
        False,
    ),
)
QUESTIONS = Suggestions(
    (
        "What are the opening hours?",
        "How do I find my room?",
        "Is there Wi-Fi?",
        "Where can I park, and what does it cost for a whole day?",
        "I have a delivery",
        "Can I talk to a person?",
    )
)
PLAN = Card(
    "The way to the rooms",
    "Ground floor: reception, canteen, hall\n1st floor: offices 101 – 118\n2nd floor: meeting rooms 201 – 212",
    resources_dir() / "knowledge" / "pictures" / "floor-plan.png",
    "https://example.org/visitors/rooms",
    "example.org/visitors/rooms",
)
WIFI = Card(
    "Wi-Fi for guests",
    "Network: Guest\nNo password; accept the terms in the browser.",
    qr="WIFI:S:Guest;T:nopass;;",
)
WORDS: dict[str, list[Words]] = {
    "live-chips": [QUESTIONS, Card()],
    "live-card": [QUESTIONS, PLAN],
    "live-code": [QUESTIONS, WIFI],
    "live-typing": [QUESTIONS, Card()],
}


def portrait(resources: Path, width: int, height: int) -> VideoFrame:
    """The persona's face, in the shape of the screen."""
    painter = FacePainter(load_look(resources / "personas" / "mara.toml"), width, height)
    return VideoFrame(PixelFormat.BGRA, width, height, painter.paint(FaceState()))


def settle(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def main(folder: Path, theme: str, language: str, size: str) -> None:
    width, height = (int(part) for part in size.split("x"))
    with Display(width, height) as display:
        os.environ.update(display.env())
        configure_qt()
        application = create_application(["kiosk"])
        source, resources = FrameList(), resources_dir()
        view = RasterView(source, SystemClock())
        window = KioskWindow(
            view,
            Visitor(),
            Texts.load(resources / "translations"),
            load_theme(resources / "themes", theme),
            badge="simulated",
            operator=Operator().tools(language=language),
        )
        window.show_kiosk()
        face = portrait(resources, width, height)
        for name, situation in SITUATIONS.items():
            window.show_situation(replace(situation, language=language))
            if situation.picture:
                source.put(face)
                view.pump()
                for caption in CAPTIONS:
                    window.show_words(caption)
                for words in WORDS.get(name, [Suggestions(()), Card()]):
                    window.show_words(words)
                window.set_microphone_level(-25.0)
            if isinstance(window.screen_shown, LiveScreen) and (name == "live-typing") is not (
                window.screen_shown.text_row.isVisible()
            ):
                window.screen_shown.type.click()
            settle(0.9)
            display.save_png(folder / f"{name}-{theme}-{language}-{size}.png")
        if window.operator is not None:
            window.operator.open()
            settle(0.5)
            display.save_png(folder / f"operator-{theme}-{language}-{size}.png")
        window.shut()
        Shiboken.delete(window)
        Shiboken.delete(application)


if __name__ == "__main__":
    options = [*sys.argv[1:], *("dark", "en", "1280x720")[len(sys.argv) - 2 :]]
    Path(options[0]).mkdir(parents=True, exist_ok=True)
    main(Path(options[0]), *options[1:4])
