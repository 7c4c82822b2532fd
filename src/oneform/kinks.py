"""Whether a function of one number has a kink or a jump at zero: found by one-sided differences that keep disagreeing as the step shrinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_STEPS = (1.0, 0.5, 0.25)
_SMALL = 1e-6  # what differs by less, relative to the sizes involved, is taken for rounding


@dataclass(frozen=True)
class Kink:
    """The derivatives on both sides; or, where the function jumps, its values there, and at the point itself."""

    left: float
    right: float
    here: float | None = None

    def __str__(self) -> str:
        if self.here is not None:
            return f"the value jumps: from {self.left:.9g} to {self.here:.9g} at the point and {self.right:.9g} behind it"
        return f"the derivative is {self.left:.9g} from the left and {self.right:.9g} from the right"


def find(at: Callable[[float], float], h: float, noise: float, size: float) -> Kink | None:
    """The kink of `at` at zero, if there is one. `h`: the largest step; `noise`: the rounding error of a value; `size`: of the derivative.

    The one-sided differences of second order, (-3 f(0) + 4 f(h) - f(2h)) / 2h and its mirror image, differ by O(h³) where f is smooth,
    by the height of the step in f' at a kink, and by O(1/h) at a jump."""
    here = at(0.0)
    found = _jump(at, here, h, noise)
    if found is not None:
        return found
    sides: list[tuple[float, float]] = []
    for scale in _STEPS:
        s = scale * h
        right = (-3.0 * here + 4.0 * at(s) - at(2.0 * s)) / (2.0 * s)
        left = (3.0 * here - 4.0 * at(-s) + at(-2.0 * s)) / (2.0 * s)
        if not abs(right - left) > max(40.0 * noise / s, _SMALL * max(size, abs(left), abs(right))):
            return None
        sides.append((left, right))
    gaps = [right - left for left, right in sides]
    lasting = all(0.6 < b / a < 1.6 for a, b in zip(gaps, gaps[1:], strict=False))
    return Kink(*sides[-1]) if lasting else None


def _jump(at: Callable[[float], float], here: float, h: float, noise: float) -> Kink | None:
    """Values beside zero that do not come closer to each other, or to the value at zero."""
    across: list[float] = []
    alone: list[float] = []
    for scale in _STEPS:
        right, left = at(scale * h), at(-scale * h)
        across.append(abs(right - left))
        alone.append(abs(here - (right + left) / 2.0))
    slope = max(abs(at(2.0 * h) - at(h)), abs(at(-h) - at(-2.0 * h)))
    least = max(1e3 * noise, _SMALL * abs(here), 3.0 * slope)  # a kink within the steps gives up to twice the slope
    for gaps in (across, alone):
        if min(gaps) > least and all(0.8 < b / a < 1.25 for a, b in zip(gaps, gaps[1:], strict=False)):
            return Kink(at(-_STEPS[-1] * h), at(_STEPS[-1] * h), here)
    return None
