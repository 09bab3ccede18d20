"""The example knowledge, with one colour for each answer: a look at the screen tells which one the kiosk gave."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kiosk.dialogue.knowledge_load import example_folder

_ENTRY = re.compile(r'^id = "(.+)"$', re.MULTILINE)
_CARD = re.compile(r"^card = .*\n", re.MULTILINE)
_LEVELS = (30, 90, 150, 210)  # of red, green and blue: 64 colours that differ enough
_PATCH = 1_500  # pixels of one colour that are no accident
_SIZE = (320, 200)


class ColouredKnowledge:
    """Written into `folder`, which must not exist yet. Every entry's card is a picture of nothing but its colour."""

    def __init__(self, folder: Path):
        shutil.copytree(example_folder(), folder)
        self.folder = folder
        self._colours: dict[tuple[int, ...], str] = {}  # red, green and blue of an entry's id
        colours = itertools.product(_LEVELS, repeat=3)
        for file in sorted((folder / "en").glob("*.toml")):
            text = _CARD.sub("", file.read_text(encoding="utf-8"))
            for name in _ENTRY.findall(text):
                # Greys are left out: the persona's picture and the window have some.
                colour = next(each for each in colours if max(each) > min(each))
                self._colours[colour] = name
                Image.new("RGB", _SIZE, colour).save(folder / "pictures" / f"{name}.png")
            card = r'id = "\1"' + "\n" + r'card = { title = "\1", picture = "../pictures/\1.png" }'
            file.write_text(_ENTRY.sub(card, text), encoding="utf-8")

    @property
    def env(self) -> dict[str, str]:
        """The setting, as a child process takes it from its environment."""
        return {"KIOSK_PROVIDERS__LOCAL__KNOWLEDGE": str(self.folder)}

    def shown(self, screen: NDArray[np.uint8]) -> str:
        """The id of the entry whose card is on the screen (height, width, 3; RGB); empty where none is."""
        codes = (screen.astype(np.uint32) @ np.array([65_536, 256, 1], np.uint32)).ravel()
        values, counts = np.unique(codes, return_counts=True)
        for value in values[counts > _PATCH]:
            if name := self._colours.get((int(value) >> 16, int(value) >> 8 & 255, int(value) & 255)):
                return name
        return ""
