"""Visual contexts of dm_control: colours, light, camera, distractors and thickness.

* :class:`Context`, :class:`Distractor`: one look, as data
* :data:`PRESETS`, :func:`draw_context`: looks by name; some are drawn anew each time
* :func:`read_context`: from a name, a dict or a JSON file

``"light"`` (few colours, always the same camera), ``"upstream"`` (a published generator's ranges)
and ``"full"`` (everything varies) are drawn at random. ``"mismatch-light"``, ``-body``, ``-floor``,
``-background`` and ``-all``, one look each, are the kinds of mismatch that C-LAIfO is tested on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.files import read_json
from objwrappers.names import check_name

__all__ = ["PRESETS", "Colour", "Context", "Distractor", "draw_context", "read_context"]

Colour = tuple[float, float, float]
"""Red, green and blue, each in [0, 1]."""

MAX_DISTRACTORS = 64


def _numbers(name: str, value: Any, count: int, low: float, high: float) -> tuple[float, ...]:
    given = tuple(value) if isinstance(value, list | tuple | np.ndarray) else None
    if (
        given is None
        or len(given) != count
        or not all(isinstance(one, Real) and not isinstance(one, bool) for one in given)
        or not all(low <= float(one) <= high for one in given)
    ):
        raise ValueError(f"{name} must be {count} numbers in [{low:g}, {high:g}], got {value!r}.")
    return tuple(float(one) for one in given)


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise ValueError(f"{name} must be a number in [{low:g}, {high:g}], got {value!r}.")
    return float(value)


@dataclass(frozen=True)
class Distractor:
    """A flat disc that has no part in the task, on the floor or in the air behind the body.

    Attributes:
        position: Of its centre in the picture, (x, y) in [-1, 1].
        radius: In halves of the picture's height.
        colour: Red, green and blue in [0, 1].

    Raises:
        ValueError: A number outside its range.
    """

    position: tuple[float, float]
    radius: float
    colour: Colour

    def __post_init__(self) -> None:
        _set(self, "position", _numbers("A distractor's position", self.position, 2, -1, 1))
        _set(self, "radius", _number("A distractor's radius", self.radius, 0.001, 1))
        _set(self, "colour", _numbers("A distractor's colour", self.colour, 3, 0, 1))


@dataclass(frozen=True)
class Context:
    """One look of a simulation; the default one is the suite's own.

    It belongs to pictures alone: neither what moves nor what is rewarded knows of it.

    Attributes:
        body: Colour of all that moves and is no target; None leaves each part its own.
        floor: Colour of floors, without their texture.
        background: Colour behind everything; None is the suite's sky.
        target: Colour of what is to be reached.
        light: Factors of the lamps' red, green and blue.
        light_tilt: Turns the lamps around what they shine on, about the world's x and y, radians.
        camera_shift: (x, y) in [-1, 1], the point of the picture that comes to its centre.
        camera_roll: Turns the camera about its own axis, radians, the picture clockwise.
        camera_zoom: Of the picture; 2 shows half as much.
        thickness: Factor of the body's capsules, cylinders and spheres.
        distractors: Discs; see :class:`Distractor`.

    Raises:
        ValueError: A value of another kind or outside its range.
    """

    body: Colour | None = None
    floor: Colour | None = None
    background: Colour | None = None
    target: Colour | None = None
    light: Colour = (1.0, 1.0, 1.0)
    light_tilt: tuple[float, float] = (0.0, 0.0)
    camera_shift: tuple[float, float] = (0.0, 0.0)
    camera_roll: float = 0.0
    camera_zoom: float = 1.0
    thickness: float = 1.0
    distractors: tuple[Distractor, ...] = ()

    def __post_init__(self) -> None:
        for name in ("body", "floor", "background", "target"):
            if getattr(self, name) is not None:
                _set(self, name, _numbers(name, getattr(self, name), 3, 0, 1))
        _set(self, "light", _numbers("light", self.light, 3, 0, 4))
        _set(self, "light_tilt", _numbers("light_tilt", self.light_tilt, 2, -1.5, 1.5))
        _set(self, "camera_shift", _numbers("camera_shift", self.camera_shift, 2, -1, 1))
        _set(self, "camera_roll", _number("camera_roll", self.camera_roll, -math.pi, math.pi))
        _set(self, "camera_zoom", _number("camera_zoom", self.camera_zoom, 0.1, 10))
        _set(self, "thickness", _number("thickness", self.thickness, 0.1, 10))
        if not isinstance(self.distractors, list | tuple):
            raise ValueError(f"distractors must be a list, got {self.distractors!r}.")
        if len(self.distractors) > MAX_DISTRACTORS:
            raise ValueError(
                f"There are at most {MAX_DISTRACTORS} distractors, got {len(self.distractors)}."
            )
        discs = (
            disc if isinstance(disc, Distractor) else _from_dict(Distractor, disc, "a distractor")
            for disc in self.distractors
        )
        _set(self, "distractors", tuple(discs))

    def as_dict(self) -> dict[str, Any]:
        """Returns what JSON can hold and :func:`read_context` reads, without what is default."""
        return {
            field.name: _plain(value)
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        }


def _set(instance: Any, name: str, value: Any) -> None:
    object.__setattr__(instance, name, value)


def _plain(value: Any) -> Any:
    if isinstance(value, Distractor):
        return {name: _plain(part) for name, part in asdict(value).items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _from_dict(kind: Any, value: Any, what: str) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} must be a dict, got {value!r}.".capitalize())
    names = [field.name for field in fields(kind)]
    for name in value:
        check_name(f"key of {what}", name, names)
    try:
        return kind(**value)
    except TypeError as error:
        missing = ", ".join(name for name in names if name not in value)
        raise ValueError(f"There is no {missing} in {what} {dict(value)!r}.") from error


def read_context(context: str | Path | Mapping[str, Any] | Context) -> str | Context:
    """Returns a context, or the name of a preset.

    Args:
        context: A name of :data:`PRESETS`, a :class:`Context`, a dict of its attributes, or a JSON
            file that holds one, ``"look.json"``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No such name, a key that a context does not have, or a value outside its range.
    """
    if isinstance(context, Context):
        return context
    if isinstance(context, Mapping):
        return _from_dict(Context, context, "a context")
    if isinstance(context, Path) or str(context).endswith(".json"):
        value = read_json(context)
        try:
            return _from_dict(Context, value, "a context")
        except ValueError as error:
            raise ValueError(f"{context}: {error}") from error
    check_name("context", context, PRESETS)
    return context


def draw_context(context: str | Context, rng: np.random.Generator) -> Context:
    """Returns one look: of a preset that is drawn at random, another one each time.

    Args:
        context: As :func:`read_context` returned it.
        rng: What random presets are drawn with; the same state draws the same look.
    """
    return context if isinstance(context, Context) else PRESETS[context](rng)


def _colour(rng: np.random.Generator, high: float = 1.0) -> Colour:
    red, green, blue = (round(float(part), 4) for part in rng.uniform(0, high, 3))
    return red, green, blue


def _discs(
    rng: np.random.Generator, radii: tuple[float, ...], high: float
) -> tuple[Distractor, ...]:
    """Returns discs somewhere in the picture, each there half of the times."""
    discs = []
    for radius in radii:
        x, y = (round(float(part), 4) for part in rng.uniform(-0.97, 0.97, 2))
        colour = _colour(rng, high)
        if rng.random() < 0.5:
            discs.append(Distractor((x, y), radius, colour))
    return tuple(discs)


_FLOORS: tuple[Colour, ...] = (
    *((0.85, 0.85, 0.85), (0.55, 0.65, 0.85), (0.85, 0.75, 0.55)),
    *((0.55, 0.75, 0.6), (0.75, 0.6, 0.75), (0.6, 0.6, 0.65)),
)
_BODIES: tuple[Colour, ...] = (
    *((0.8, 0.1, 0.1), (0.1, 0.15, 0.75)),
    *((0.45, 0.1, 0.55), (0.1, 0.1, 0.1)),
)
_DISCS = (0.226, 0.258, 0.161, 0.194, 0.29)
"""Radii of the published generator, 0.07, 0.08, 0.05, 0.06 and 0.09 m, in a view of 0.62 m."""


def _light(rng: np.random.Generator) -> Context:
    return Context(
        floor=_FLOORS[rng.integers(len(_FLOORS))],
        body=_BODIES[rng.integers(len(_BODIES))],
        target=(0.1, 1.0, 0.1),
        thickness=1.8,
        distractors=_discs(rng, _DISCS[2:4], high=0.5),
    )


def _upstream(rng: np.random.Generator) -> Context:
    return Context(
        floor=(1.0, 1.0, 1.0),
        target=_colour(rng, 0.5),
        body=_colour(rng, 0.5),
        distractors=_discs(rng, _DISCS, high=0.5),
    )


def _full(rng: np.random.Generator) -> Context:
    chosen: list[Colour] = []
    while len(chosen) < 4:
        colour = _colour(rng)
        if all(np.abs(np.subtract(colour, other)).sum() >= LEAST_CONTRAST for other in chosen):
            chosen.append(colour)
    body, floor, target, background = chosen
    x, y, roll, pitch, yaw = (round(float(part), 4) for part in rng.uniform(-1, 1, 5))
    red, green, blue = (round(float(part), 4) for part in rng.uniform(0.6, 1.2, 3))
    return Context(
        *(body, floor, background, target),
        light=(red, green, blue),
        light_tilt=(0.5 * pitch, 0.5 * yaw),
        camera_shift=(0.13 * x, 0.13 * y),
        camera_roll=0.25 * roll,
        distractors=_discs(rng, _DISCS, high=1.0),
    )


LEAST_CONTRAST = 0.6
"""Between any two colours of the preset "full", summed over red, green and blue."""

_LIGHT = {"light": (1.1, 0.7, 0.4), "light_tilt": (0.6, 0.6)}
_BODY = {"body": (0.2, 0.45, 0.85)}
_FLOOR = {"floor": (0.7, 0.6, 0.4)}
_BACKGROUND = {"background": (0.8, 0.45, 0.35)}


def _always(**look: Any) -> Callable[[np.random.Generator], Context]:
    context = Context(**look)
    return lambda _: context


PRESETS: dict[str, Callable[[np.random.Generator], Context]] = {
    "default": _always(),
    "light": _light,
    "upstream": _upstream,
    "full": _full,
    "mismatch-light": _always(**_LIGHT),
    "mismatch-body": _always(**_BODY),
    "mismatch-floor": _always(**_FLOOR),
    "mismatch-background": _always(**_BACKGROUND),
    "mismatch-all": _always(**_LIGHT, **_BODY, **_FLOOR, **_BACKGROUND),
}
"""Name → what draws a look of that name."""
