"""Draws where a policy looks, and what it thinks.

* :func:`blend`, :func:`glow`: saliency over the game, in colours or as published
* :func:`tint`: saliency in a single hue, so that a picture shows several
* :func:`channels`: the policy's newest frame in blue, saliency in green, as published
* :func:`legend`: what the colours mean
* :func:`dashboard`: the actions' probabilities, the value, the score
* :class:`RunningScale`, :class:`LargestScale`: saliency → [0, 1], frame by frame

One picture of several is a matter of :mod:`objwrappers.rendering.layout`.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from objwrappers.rendering.layout import LINE, below, beside, titled, write_text

__all__ = [
    "COLOURS",
    "LargestScale",
    "RunningScale",
    "below",
    "beside",
    "blend",
    "channels",
    "dashboard",
    "glow",
    "legend",
    "tint",
    "titled",
]

COLOURS = {
    "inferno": cv2.COLORMAP_INFERNO,
    "turbo": cv2.COLORMAP_TURBO,
    "viridis": cv2.COLORMAP_VIRIDIS,
}
"""Colour maps by matplotlib's names."""

_WHITE, _GREY, _ORANGE = (255, 255, 255), (110, 110, 110), (255, 160, 40)
_LEGEND_WIDTH = 52  # pixels


class RunningScale:
    """Divides saliency by what its largest values lately were, so that a film needs no second pass.

    That is their geometric mean: some methods' values differ a thousandfold from one frame to the
    next, and a single frame must not dim all others; it is cut off instead.

    Args:
        share: Of the newest frame in the mean.
        percentile: Of a map that counts as its largest value.

    Attributes:
        top: The value that 1 stands for.
    """

    def __init__(self, share: float = 0.05, percentile: float = 99.9) -> None:
        if not 0 < share <= 1 or not 0 < percentile <= 100:
            raise ValueError(
                "share must be above 0 and at most 1, percentile above 0 and at most 100, got "
                f"{share} and {percentile}."
            )
        self._share = share
        self._percentile = percentile
        self.top = 0.0

    def __call__(self, saliency: np.ndarray) -> np.ndarray:
        """Maps saliency (h, w), not negative, to [0, 1]; all zeros stay so."""
        largest = float(np.percentile(saliency, self._percentile))
        if largest > 0:
            self.top = largest**self._share * (self.top or largest) ** (1 - self._share)
        return _divided(saliency, self.top)


class LargestScale:
    """Divides saliency by the largest value so far: the published scale, of a film not yet over.

    Attributes:
        top: The value that 1 stands for.
    """

    def __init__(self) -> None:
        self.top = 0.0

    def __call__(self, saliency: np.ndarray) -> np.ndarray:
        """Maps saliency (h, w), not negative, to [0, 1]; all zeros stay so."""
        self.top = max(self.top, float(np.max(saliency)))
        return _divided(saliency, self.top)


def _divided(saliency: np.ndarray, top: float) -> np.ndarray:
    if top <= 0:
        return np.zeros(saliency.shape, np.float32)
    return np.clip(saliency / top, 0, 1).astype(np.float32)


def blend(
    frame: np.ndarray, saliency: np.ndarray, colours: str = "inferno", strength: float = 0.7
) -> np.ndarray:
    """Lays colours over a frame, the more opaque the more salient: where nothing is, is the game.

    Args:
        frame: uint8 (H, W, 3).
        saliency: (h, w) in [0, 1], resized bilinearly.
        colours: A name of :data:`COLOURS`.
        strength: Opacity of 1.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: No such colours; the message lists them.
    """
    resized = _resized(saliency, frame)
    opacity = strength * resized[..., None]
    mixed = frame * (1 - opacity) + _coloured(resized, colours) * opacity
    return np.rint(mixed).astype(np.uint8)


def tint(
    frame: np.ndarray, saliency: np.ndarray, rgb: tuple[int, int, int], strength: float = 0.7
) -> np.ndarray:
    """Lays one hue over a frame, the more opaque the more salient; arguments as :func:`blend`.

    Args:
        frame: uint8 (H, W, 3).
        saliency: (h, w) in [0, 1].
        rgb: The hue.
        strength: Opacity of 1.
    """
    opacity = strength * _resized(saliency, frame)[..., None]
    return np.rint(frame * (1 - opacity) + np.array(rgb) * opacity).astype(np.uint8)


def glow(frame: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """The published picture: half the game and half a white glow; arguments as :func:`blend`."""
    mixed = 0.5 * frame + 127.5 * _resized(saliency, frame)[..., None]
    return np.rint(mixed).astype(np.uint8)


def channels(newest: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """The published picture of what the policy gets: the frame in blue, saliency in green.

    Args:
        newest: uint8 (h, w), the newest frame of the stack.
        saliency: (h, w) in [0, 1].

    Returns:
        uint8 (h, w, 3).
    """
    green = np.rint(255 * _resized(saliency, newest)).astype(np.uint8)
    return np.stack([np.zeros_like(newest), green, newest], -1)


def legend(height: int, top: float, colours: str = "inferno") -> np.ndarray:
    """Returns a bar of the colours with the values of both its ends, uint8 (height, 52, 3).

    Args:
        height: Pixels.
        top: Value of the upper end; the lower one is 0.
        colours: A name of :data:`COLOURS`, or ``"white"`` and ``"green"`` for the published ones.
    """
    ramp = np.linspace(1, 0, max(1, height - 2 * LINE), dtype=np.float32)[:, None]
    picture = np.zeros((height, _LEGEND_WIDTH, 3), np.uint8)
    if colours == "white":
        bar = np.rint(255 * ramp[..., None]).repeat(3, -1)
    elif colours == "green":
        bar = np.rint(255 * ramp[..., None]) * np.array([0, 1, 0])
    else:
        bar = _coloured(ramp, colours)
    picture[LINE : LINE + len(ramp), 4:20] = bar
    write_text(picture, f"{top:.2g}", 4, LINE - 4)
    write_text(picture, "0", 4, height - 4)
    return picture


def dashboard(
    width: int,
    actions: Sequence[str],
    numbers: np.ndarray,
    chosen: int,
    lines: Sequence[str] = (),
    shares: bool = True,
) -> np.ndarray:
    """Returns a bar for each action, the chosen one in another colour, and lines of text.

    Args:
        width: Pixels.
        actions: Names, A of them.
        numbers: (A,), probabilities, or Q-values.
        chosen: The action taken.
        lines: Below: ``"value 3.1"``.
        shares: The numbers are probabilities: a whole bar is 1. Otherwise bars go from the least
            to the largest number.

    Returns:
        uint8 (16·(A + lines), width, 3).
    """
    picture = np.zeros((LINE * (len(actions) + len(lines)), width, 3), np.uint8)
    low, high = (0.0, 1.0) if shares else (float(np.min(numbers)), float(np.max(numbers)))
    start, end = 118, width - 52
    for i, (name, number) in enumerate(zip(actions, numbers, strict=True)):
        y = i * LINE
        share = (float(number) - low) / (high - low) if high > low else 0.0
        colour = _ORANGE if i == chosen else _GREY
        cv2.rectangle(
            picture, (start, y + 4), (start + round(share * (end - start)), y + 12), colour, -1
        )
        write_text(picture, name.lower(), 4, y + 12, _ORANGE if i == chosen else _WHITE)
        write_text(picture, f"{number:.2f}", end + 6, y + 12)
    for i, line in enumerate(lines, len(actions)):
        write_text(picture, line, 4, i * LINE + 12)
    return picture


def _resized(saliency: np.ndarray, picture: np.ndarray) -> np.ndarray:
    size = picture.shape[1::-1]
    found = np.asarray(saliency, np.float32)
    return np.clip(cv2.resize(found, size, interpolation=cv2.INTER_LINEAR), 0, 1)


def _coloured(values: np.ndarray, colours: str) -> np.ndarray:
    """Values (h, w) in [0, 1] → uint8 (h, w, 3) RGB."""
    if colours not in COLOURS:
        raise ValueError(f"colours must be one of {', '.join(COLOURS)}, got {colours!r}.")
    levels = np.rint(255 * values).astype(np.uint8)
    return cv2.applyColorMap(levels, COLOURS[colours])[..., ::-1]
