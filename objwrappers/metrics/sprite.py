"""One object on the screen, as detectors are judged by it."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Sprite"]

LEAST_VISIBLE_SHARE = 0.3


@dataclass(frozen=True)
class Sprite:
    """An object on the screen.

    Attributes:
        name: Its class.
        x: Centre, native pixels from the left.
        y: Centre, native pixels from the top.
        width: Native pixels.
        height: Native pixels.
        scored: A relevant moving object: detectors should find it. Others (bullets, mostly
            hidden sprites) count neither for nor against a detector.
        number: Which of its class it is; stays with an object from step to step.
        label: What it looks like, where that is not its class: a frightened ghost is ``"edible"``.
            By default the name.
    """

    name: str
    x: float
    y: float
    width: float
    height: float
    scored: bool = True
    number: int = 0
    label: str = ""

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name)  # the class is frozen

    def clip(self, left: float, right: float, top: float, bottom: float) -> Sprite | None:
        """Returns what is left within [left, right) × [top, bottom), None if nothing is."""
        x0, x1 = max(self.x - self.width / 2, left), min(self.x + self.width / 2, right)
        y0, y1 = max(self.y - self.height / 2, top), min(self.y + self.height / 2, bottom)
        if x1 - x0 < 1 or y1 - y0 < 1:
            return None
        if min(x0 - left, right - x1, y0 - top, bottom - y1) > 0:
            return self  # all of it is left
        share = (x1 - x0) * (y1 - y0) / (self.width * self.height)
        scored = self.scored and share >= LEAST_VISIBLE_SHARE
        return replace(
            self,
            x=(x0 + x1) / 2,
            y=(y0 + y1) / 2,
            width=x1 - x0,
            height=y1 - y0,
            scored=scored,
        )
