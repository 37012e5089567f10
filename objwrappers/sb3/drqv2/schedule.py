"""Exploration noise that falls with the steps.

* :func:`read_schedule`: ``"linear(1.0,0.1,500000)"`` → a :class:`LinearSchedule`
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = ["LinearSchedule", "read_schedule"]

_LINEAR = re.compile(r"\s*linear\s*\(([^,()]+),([^,()]+),([^,()]+)\)\s*")


@dataclass(frozen=True)
class LinearSchedule:
    """A straight line from one value to another, which then stays.

    Attributes:
        initial: At step 0.
        final: From ``steps`` on.
        steps: Of the fall; 0 is the final value at once.
    """

    initial: float
    final: float
    steps: float

    def __call__(self, step: int) -> float:
        """Returns the value at a step."""
        done = min(step / self.steps, 1.0) if self.steps else 1.0
        return (1 - done) * self.initial + done * self.final


def read_schedule(text: str | float) -> LinearSchedule:
    """Reads a schedule of standard deviations.

    Args:
        text: ``"linear(initial,final,steps)"``, as DrQ-v2 was published, or one number for good.

    Raises:
        ValueError: Anything else, or a number that is negative or not finite.
    """
    numbers: list[float] = []
    try:
        if isinstance(text, str) and (found := _LINEAR.fullmatch(text)):
            numbers = [float(word) for word in found.groups()]
        elif not isinstance(text, bool):
            numbers = [float(text), float(text), 0.0]
    except (TypeError, ValueError):
        pass
    if not numbers or not all(math.isfinite(one) and one >= 0 for one in numbers):
        raise ValueError(
            "A noise schedule is linear(initial,final,steps) or one number, none of them negative, "
            f"'linear(1.0,0.1,500000)' for example; got {text!r}."
        )
    return LinearSchedule(*numbers)
