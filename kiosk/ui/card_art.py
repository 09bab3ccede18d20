"""What a card shows beside its words, made on a thread of its own: a photo may be large, a QR code takes its time."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader

from kiosk.links.contract import Card
from kiosk.ui.qr import qr_image

log = logging.getLogger("kiosk.screen")

LARGEST_FILE = 64 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class CardArt:
    """None: there is none, or it cannot be shown; then the words stand alone."""

    picture: QImage | None = None
    qr: QImage | None = None


class CardArtist(QObject):
    """`ready` hands out the art of the newest card on the GUI thread; older cards' art is dropped."""

    ready = Signal(object)
    _done = Signal(object, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._shut = False
        self._round = 0
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def draw(self, card: Card, box: QSize) -> None:
        """`box`: the largest size of the picture, in device pixels."""
        self.forget()
        if self._shut:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kiosk-card")
        self._pool.submit(self._work, card, box, self._round)

    def forget(self) -> None:
        """What is under way will not be handed out."""
        self._round += 1

    def _work(self, card: Card, box: QSize, round_number: int) -> None:
        if round_number != self._round:
            return
        art = CardArt(load_picture(card.picture, box) if card.picture else None, _code(card.qr))
        with self._lock:
            if not self._shut:
                self._done.emit(art, round_number)

    def _deliver(self, art: CardArt, round_number: int) -> None:
        if round_number == self._round:
            self.ready.emit(art)

    def shut(self) -> None:
        """Waits for the card in hand and ends the thread. Idempotent."""
        with self._lock:
            self._shut = True
        self.forget()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def load_picture(path: Path, box: QSize) -> QImage | None:
    """The file, no larger than `box`; None and one line in the log where it cannot be shown."""
    try:
        size_of_file = path.stat().st_size
    except OSError:
        log.warning("the picture %s of a card is missing; the card shows its words alone", path.name)
        return None
    if size_of_file > LARGEST_FILE:
        log.warning("the picture %s of a card is larger than 64 MB; the card shows its words alone", path.name)
        return None
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setDecideFormatFromContent(True)
    size = reader.size()
    if reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90:
        box = box.transposed()  # the file says that it lies on its side
    if size.isValid() and (size.width() > box.width() or size.height() > box.height()):
        reader.setScaledSize(size.scaled(box, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1)))
    image = reader.read()
    if image.isNull():
        log.warning(
            "the picture %s of a card cannot be read (%s); the card shows its words alone",
            path.name,
            reader.errorString(),
        )
        return None
    return image


def _code(text: str) -> QImage | None:
    if not text:
        return None
    try:
        return qr_image(text)
    except ValueError:
        log.warning("the QR text of a card is too long for a code (%d characters); shorten it", len(text))
        return None
