"""The sentences on the screens, by language. Files: resources/translations/<language>.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from kiosk.session.view import Situation

FIRST_LANGUAGE = "en"
CALM_KEY = "notice.unknown"


class Texts:
    def __init__(self, sentences: Mapping[str, Mapping[str, str]]) -> None:
        """`sentences`: language -> key -> sentence. English must be among them: it fills the gaps of the others."""
        if FIRST_LANGUAGE not in sentences:
            raise ValueError("the English texts are missing; install the kiosk again")
        self._sentences = sentences

    @classmethod
    def load(cls, folder: Path) -> Texts:
        """Reads every *.json of the folder. Raises `ValueError` for a broken file, `OSError` for an unreadable one."""
        return cls({path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))})

    @property
    def languages(self) -> list[str]:
        """English first, then the others by their code."""
        return sorted(self._sentences, key=lambda language: (language != FIRST_LANGUAGE, language))

    def known(self, language: str) -> str:
        """The language itself, its main language ('de' for 'de-AT'), or English."""
        for candidate in (language, language.split("-")[0].lower()):
            if candidate in self._sentences:
                return candidate
        return FIRST_LANGUAGE

    def of(self, language: str, key: str, **values: object) -> str:
        """The sentence for a key; a key that nobody translated gives the calm sentence, never the key itself."""
        for candidate in (self.known(language), FIRST_LANGUAGE):
            sentence = self._sentences[candidate].get(key)
            if sentence is not None:
                return sentence.format(**values) if values else sentence
        return self._sentences[FIRST_LANGUAGE].get(CALM_KEY, "")

    def notice(self, situation: Situation) -> str:
        """What a situation has to say, with its countdown; empty when it has nothing to say."""
        if not situation.notice:
            return ""
        seconds = max(0, round(situation.ends_in_s or 0.0))
        return self.of(situation.language, f"notice.{situation.notice}", seconds=seconds)

    def has(self, key: str) -> bool:
        return key in self._sentences[FIRST_LANGUAGE]
