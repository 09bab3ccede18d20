"""What the operator's screen may know of a running kiosk, and what an operator's hands may do to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kiosk.providers.contract import Fact
from kiosk.session.money_guard import Standing
from kiosk.session.view import Phase


@dataclass(frozen=True, slots=True)
class OpenLine:
    """One vendor session that may cost money. `seconds`: how long it has been open, as far as is known."""

    provider: str
    seconds: float
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """`name` is the last part of a key of resources/translations (operator.figure.…), `value` needs no translation.

    `visit`: the same for the whole visit, where that is something else. Figures of one `group` stand together.
    """

    name: str
    value: str
    visit: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class OperatorView:
    """What is going on. `trouble` is the operator's line of the latest fault; empty when there was none."""

    phase: Phase
    provider: str
    standing: Standing
    open: tuple[OpenLine, ...] = ()
    figures: tuple[Figure, ...] = ()
    trouble: str = ""


class OperatorActions(Protocol):
    """What the operator's screen calls. Every call returns at once and may come in any phase."""

    @property
    def providers(self) -> tuple[str, ...]:
        """Names that `switch` takes."""
        ...

    def switch(self, provider: str) -> None:
        """This provider's avatar from now on."""
        ...

    def leave(self) -> None:
        """Ends the visit."""
        ...
