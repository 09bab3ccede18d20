"""A `VisitorActions` that remembers what the visitor did."""

from __future__ import annotations


class Visitor:
    def __init__(self) -> None:
        self.did: list[tuple[str, ...]] = []

    def touch(self) -> None:
        self.did.append(("touch",))

    def accept(self, language: str) -> None:
        self.did.append(("accept", language))

    def leave(self) -> None:
        self.did.append(("leave",))

    def type_text(self, text: str) -> None:
        self.did.append(("type", text))

    def interrupt(self) -> None:
        self.did.append(("interrupt",))
