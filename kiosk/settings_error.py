"""What is wrong with the settings, as lines that an operator can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kiosk.redact import one_line, redact


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `source` is a file, an environment variable or "command line"; empty: no layer sets the key.

    `key` is the dotted path, e.g. `session.idle_s`. `text` says what is wrong and what is allowed, never a secret.
    """

    source: str
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.source and self.line else self.source
        place, key, text = redact(place), redact(self.key), redact(self.text)
        if redact(f"{key}: {text}") != f"{key}: {text}":
            key = f'"{key}"'  # a key called api-key and the colon behind it would read as a header, here or later
        return one_line(": ".join(part for part in (place, key, text) if part), 600)


class SettingsError(Exception):
    """The settings cannot be used. `problems` holds all that was found, not only the first."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def operator_line(self) -> str:
        """One line: the first problem, and how to see the others."""
        first = str(self.problems[0])
        others = len(self.problems) - 1
        return f"{first} (and {others} more: run `kiosk config check`)" if others else first


def settings_error_text(error: SettingsError) -> str:
    """What a window shows to a person who started the kiosk with a double click."""
    count = len(error.problems)
    head = (
        "The kiosk cannot start: one setting is wrong."
        if count == 1
        else f"The kiosk cannot start: {count} settings are wrong."
    )
    shown = [f"• {problem}" for problem in error.problems[:8]]
    if count > len(shown):
        shown.append(f"… and {count - len(shown)} more")
    return "\n\n".join([head, "\n".join(shown), "Mend the file and start the kiosk again."])
