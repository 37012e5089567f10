"""Names and limits of ids' options, as data: what a row of ids tells of them stands here once.

* :data:`SHARED`, :data:`SINGLE`, :data:`TRAINING`, :data:`VECTOR`, :data:`PIXELS`,
  :data:`MODEL`, :data:`SCENE`, :data:`PERFECT`, :data:`GAZE`, :data:`RECORDED`, :data:`CONTROL`,
  :data:`IMITATION`: who has which
* :func:`unknown_option`: the error for one that nobody has
* :func:`check_numbers`, :func:`check_count`: the errors for values that an emulator would take
  for others
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from objwrappers.names import did_you_mean

__all__ = [
    "CONTROL",
    "CONTROL_CURES",
    "FLAGS",
    "GAZE",
    "IMITATION",
    "KEYPOINTS",
    "MAX_FRAMES_PER_EPISODE",
    "MAX_SEED",
    "MODEL",
    "MODEL_VECTOR",
    "PERFECT",
    "PIXELS",
    "RECORDED",
    "SCENE",
    "SHARED",
    "SINGLE",
    "TRAINING",
    "VECTOR",
    "check_count",
    "check_flag",
    "check_names",
    "check_numbers",
    "check_path",
    "check_seed",
    "unknown_option",
]

MAX_FRAMES_PER_EPISODE = 108_000
MAX_SEED = 2**31 - 1
"""ALE's vector env keeps seeds in 32 signed bits."""

MAX_COUNT = 2**31 - 1
"""So it keeps other integers."""

_LARGEST_SIDE_PX = 4096
_LONGEST_STACK = 1024
_COUNTS = {
    "noop_max": (0, MAX_COUNT),
    "num_threads": (0, MAX_COUNT),
    "thread_affinity_offset": (-1, MAX_COUNT),
    "stack_num": (1, _LONGEST_STACK),
    **dict.fromkeys(("img_height", "img_width"), (1, _LARGEST_SIDE_PX)),
    **dict.fromkeys(("frameskip", "max_num_frames_per_episode", "num_envs"), (1, MAX_COUNT)),
    **dict.fromkeys(
        ("action_repeat", "horizon", "num_demonstrations", "supersampling"), (1, MAX_COUNT)
    ),
}
"""Option → the smallest and the largest there is."""

FLAGS = (
    *("full_action_space", "continuous", "life_loss_info", "reward_clipping"),
    *("use_fire_reset", "episodic_life", "maxpool", "fire_each_life", "infinite", "raw_frames"),
    *("grayscale", "stack_each_life"),
)
"""Options that are True or False."""

SHARED = (
    "frameskip",
    "repeat_action_probability",
    "noop_max",
    "max_num_frames_per_episode",
    "full_action_space",
    "continuous",
    "continuous_action_threshold",
    "fire_each_life",
    "infinite",
    "noise",
    "noise_motion",
)
SINGLE = ("mode", "difficulty", "raw_frames")
"""Of one env alone."""
TRAINING = ("life_loss_info", "reward_clipping")
"""Of the vector env alone, for training: agents are watched and scored on whole games."""
VECTOR = (
    *TRAINING,
    "num_threads",
    "use_fire_reset",
    "episodic_life",
    "maxpool",
    "thread_affinity_offset",
)
"""Of the vector env alone."""
PIXELS = (
    "stack_num",
    "img_height",
    "img_width",
    "grayscale",
    "padding_type",
    "stack_each_life",
    "confounded",
)
"""Of the pixel baseline alone."""
MODEL = (
    *("model", "weights", "device", "runtime", "features", "map_size"),
    *("refine", "slots", "track", "roles", "relations", "map"),
)
"""Of ids whose observations are keypoints."""
KEYPOINTS = "light"
"""The model of theirs where none is named."""
MODEL_VECTOR = (*VECTOR, "observation")
"""Of their vector env alone."""
SCENE = ("model", "weights", "device", "track", "classifier", "roles", "relations", "map")
"""Of ids whose observations are the objects of a scene."""
PERFECT = (
    *("jitter_px", "misses", "false_positives", "classes"),
    *("track", "roles", "relations", "map", "mode", "difficulty"),
)
"""Of ids whose observations are the objects that the console's memory knows."""
GAZE = ("model", "weights", "device", "mode", "stack_num")
"""Of ids whose observations have predicted gaze."""
RECORDED = (
    "path",
    "trials",
    "episodes",
    "observe",
    "frameskip",
    "full_action_space",
    "noise",
    "noise_motion",
)
"""Of recorded human play; those of what is observed come on top."""

CONTROL = (
    "observe",
    "image_size",
    "stack_num",
    "camera",
    "action_repeat",
    "horizon",
    "context",
    "context_seed",
    "render_size",
    "supersampling",
)
"""Of dm_control's tasks."""
IMITATION = (
    *("demonstration", "num_demonstrations", "split", "sources", "at_start", "weights", "device"),
    *("context", "context_seed", "observe", "stack_num", "task_state", "time", "target"),
    *("horizon", "render_size", "reward", "image_weight", "time_weight"),
)
"""Of tasks whose reward is to imitate a video."""

_AUTORESET = "It is always next-step; reset(options={'reset_mask': done}) resets envs at once."

CONTROL_CURES = {
    **dict.fromkeys(("frameskip", "frame_skip"), "It is called 'action_repeat'."),
    **dict.fromkeys(("img_height", "img_width"), "It is called 'image_size'."),
    "frame_stack": "It is called 'stack_num'.",
    "max_episode_steps": "It is called 'horizon'.",
    "autoreset_mode": _AUTORESET,
}
"""Option that dm_control's tasks do not have → the sentence that helps."""

_CURES = {
    "frame_skip": "It is called 'frameskip'.",
    "max_episode_steps": (
        "Give max_num_frames_per_episode, in raw frames (four to a step), or, of one env, "
        "max_episode_steps to gym.make."
    ),
    "autoreset_mode": _AUTORESET,
    "batch_size": "All envs step together.",
    "obs_type": "Observations are those of the id.",
    **dict.fromkeys(
        ("features", "map_size", "refine", "slots"), "It is an option of ObjKeypoints ids."
    ),
    **dict.fromkeys(
        ("jitter_px", "misses", "false_positives", "classes"), "It is an option of ObjRAM ids."
    ),
    **dict.fromkeys(
        ("track", "roles", "relations", "map"),
        "It is an option of ObjScene and ObjRAM ids, and of ObjKeypoints ids with slots=True.",
    ),
    "classifier": "It is an option of ObjScene ids.",
    **dict.fromkeys(PIXELS, "It is an option of ObjFrames ids."),
}


def unknown_option(
    name: str, names: Iterable[str], cures: Mapping[str, str] = _CURES
) -> ValueError:
    """Returns the error to raise for an option that there is not.

    Args:
        name: What was given.
        names: The options that exist.
        cures: Option that does not → the sentence that helps.
    """
    names = list(names)
    cure = cures.get(name) or did_you_mean(name, names, count=1)
    sentences = [f"Unknown option {name!r}.", cure, f"There are {', '.join(names)}."]
    return ValueError(" ".join(filter(None, sentences)))


def check_flag(name: str, value: object) -> None:
    """Raises ValueError where the value is neither True nor False, nor 1 nor 0."""
    if not isinstance(value, bool | np.bool_ | Integral) or int(value) not in (0, 1):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def check_path(name: str, value: object) -> None:
    """Raises ValueError where the value is no path, and not None either."""
    if value is not None and not (isinstance(value, str | Path) and str(value)):
        raise ValueError(f"{name} must be a path, got {value!r}.")


def check_names(
    given: Iterable[str], names: Iterable[str], cures: Mapping[str, str] = _CURES
) -> None:
    """Raises the error of :func:`unknown_option` for the first option that is unknown."""
    names = list(names)
    for name in given:
        if name not in names:
            raise unknown_option(name, names, cures)


def check_numbers(options: Mapping[str, Any]) -> None:
    """Checks those of the numbers and flags that are among the options.

    Raises:
        ValueError: A count that is no integer, too small or too large, a probability outside
            [0, 1], or a flag that is neither True nor False.
    """
    for name in options.keys() & _COUNTS.keys():
        least, most = _COUNTS[name]
        check_count(name, options[name], least, most)
    for name in FLAGS:
        if name in options:
            check_flag(name, options[name])
    for name in ("repeat_action_probability", "continuous_action_threshold"):
        value = options.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
            raise ValueError(f"{name} must be in [0, 1], got {value!r}.")


def check_count(name: str, value: object, least: int = 1, most: int = MAX_COUNT) -> None:
    """Raises ValueError where the value is no integer of at least the one and at most the other."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    number = int(value) if is_integer else None  # type: ignore[call-overload]
    if number is None or not least <= number <= most:
        wanted = "a positive integer" if least == 1 else f"an integer of at least {least}"
        limit = "" if number is None or number < least else f" and at most {most:,}"
        raise ValueError(f"{name} must be {wanted}{limit}, got {value!r}.")


def check_seed(seed: Any, several: bool = True) -> None:
    """Checks the seed of a reset.

    Args:
        seed: It.
        several: Whether it may be one for each env.

    Raises:
        ValueError: It is, or holds, a negative number or no integer.
    """
    if seed is None:
        return
    listed = isinstance(seed, Sequence) and not isinstance(seed, str | bytes)
    listed = several and (listed or (isinstance(seed, np.ndarray) and seed.ndim == 1))
    for one in seed if listed else (seed,):
        if isinstance(one, bool) or not isinstance(one, Integral) or int(one) < 0:
            raise ValueError(
                f"A seed is an integer of at least 0{', or one for each env' * several}: {seed!r}."
            )
