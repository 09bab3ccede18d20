"""How big things are on a screen of a given size. Pure numbers, in device-independent pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

SMALLEST_TEXT = 18
SMALLEST_TARGET = 64  # a finger, also an unsteady one


@dataclass(frozen=True, slots=True)
class Metrics:
    """`text` is the height of running text; everything else follows from it. `portrait`: higher than wide."""

    text: int
    portrait: bool

    def em(self, factor: float) -> int:
        return round(self.text * factor)

    @property
    def target(self) -> int:
        """Height of everything that can be touched."""
        return max(SMALLEST_TARGET, self.em(3.4))

    def smaller(self) -> Metrics:
        return replace(self, text=self.text - max(1, self.text // 20))

    @property
    def margin(self) -> int:
        return self.em(1.4)

    @property
    def gap(self) -> int:
        return self.em(0.8)


def metrics_for(width: int, height: int, text_scale: float = 1.0) -> Metrics:
    """Text grows with the screen: a visitor stands farther from a larger one. `text_scale` is the operator's wish."""
    natural = max(float(SMALLEST_TEXT), min(width / 34.0, height / 36.0))
    return Metrics(text=round(natural * text_scale), portrait=height > width)
