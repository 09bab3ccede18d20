"""Whether something grows: lines through points of which each is as little noisy as it can be had."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Student's t for 95 %, by degrees of freedom.
T_95 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 8: 2.31, 10: 2.23, 15: 2.13, 20: 2.09, 30: 2.04, 60: 2.0}
Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Slope:
    """All per hour. `error`: the standard error of the line of least squares; `give_or_take`: half of the line's 95 %
    interval.

    `median` is Theil and Sen's slope, the median over all pairs of points, which a few odd points do not move; `low`
    and `high` are its 95 % interval. A single step among many points leaves 0 within it, steady growth does not.
    """

    per_hour: float
    error: float
    give_or_take: float
    median: float
    low: float
    high: float

    @property
    def grows(self) -> bool:
        return self.low > 0.0


def slope(hours: Sequence[float], values: Sequence[float]) -> Slope | None:
    """None for fewer than three points, or where all are of one moment."""
    x, y = np.asarray(hours, np.float64), np.asarray(values, np.float64)
    if len(x) < 3 or np.ptp(x) <= 0.0:
        return None
    away = x - x.mean()
    per_hour = float(away @ y / (away @ away))
    free = len(x) - 2
    left = y - y.mean() - per_hour * away
    error = float(np.sqrt(left @ left / free / (away @ away)))
    give_or_take = error * T_95[max(key for key in T_95 if key <= free)]
    return Slope(per_hour, error, give_or_take, *_theil_sen(x, y))


def _theil_sen(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """The median of the pairs' slopes, and between which of them it lies by Kendall's test."""
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] - x[first]
    slopes = np.sort((y[second] - y[first])[apart > 0] / apart[apart > 0])
    n, pairs = len(x), len(slopes)
    wide = Z_95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, math.floor((pairs - wide) / 2))
    high = min(pairs - 1, math.ceil((pairs + wide) / 2))
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high])
