"""Entry points of ``ObjFrames-<Game>-v0``: pixels, as agents without perception see them.

* :func:`make_frames`, :func:`make_frames_vec`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gymnasium as gym
from gymnasium.vector import VectorEnv

from objwrappers.envs.atari import make_atari, make_atari_vec
from objwrappers.envs.confounded import ConfoundedFrames, VectorConfoundedFrames
from objwrappers.envs.loading import check_names_of
from objwrappers.envs.options import PIXELS, check_flag, check_numbers
from objwrappers.wrappers.base import check_render_mode
from objwrappers.wrappers.frames import FrameObservation, VectorFrameObservation

__all__ = ["Source", "make_frames", "make_frames_vec"]

E = TypeVar("E")
Source = Callable[..., E]
"""What makes envs of frames, as :func:`~objwrappers.envs.atari.make_atari` does."""


def make_frames(
    game: str, render_mode: str | None = None, source: Source[gym.Env] = make_atari, **options: Any
) -> gym.Env:
    """Entry point of ``ObjFrames-<Game>-v0``: stacked grey 84×84 pixels, uint8 (4, 84, 84).

    The ALE v5 protocol with max-pooling on (see :mod:`objwrappers.envs.atari`); frames are those
    of :class:`gymnasium.wrappers.AtariPreprocessing`.

    Args:
        game: ``"MsPacman"``.
        render_mode: ``None`` or ``"rgb_array"`` (native size).
        source: Makes the env of frames: another has other options.
        **options: ``stack_num=4``, ``img_height=84``, ``img_width=84``, ``grayscale=True``,
            ``padding_type="reset"`` and ``stack_each_life=False`` of
            :class:`~objwrappers.wrappers.frames.StackedPixels`, ``confounded=False``, by which the
            last action is drawn into each frame (:mod:`objwrappers.envs.confounded`), and those of
            :func:`~objwrappers.envs.atari.make_atari`.

    Raises:
        ValueError: No such game or option.
    """
    pixels, frames = _split_pixel_options(options, render_mode)
    confounded = _pop_flag(pixels, "confounded")
    env = source(game, **frames)
    if confounded:
        env = ConfoundedFrames(env)
    return FrameObservation(env, **pixels, render_mode=render_mode)


def make_frames_vec(
    game: str,
    num_envs: int = 1,
    render_mode: str | None = None,
    source: Source[VectorEnv] = make_atari_vec,
    **options: Any,
) -> VectorEnv:
    """Vector entry point of ``ObjFrames-<Game>-v0``; see :func:`make_frames`."""
    pixels, frames = _split_pixel_options(options, render_mode)
    confounded = _pop_flag(pixels, "confounded")
    env = source(game, num_envs, **frames)
    if confounded:
        env = VectorConfoundedFrames(env)
    return VectorFrameObservation(env, **pixels, render_mode=render_mode)


def _split_pixel_options(
    options: dict[str, Any], render_mode: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the options of the stack, and those of its frames."""
    check_names_of("ObjFrames", options)
    check_render_mode(render_mode)
    pixels = {name: value for name, value in options.items() if name in PIXELS}
    check_numbers(pixels)
    return pixels, {
        "frame_size": (pixels.get("img_height", 84), pixels.get("img_width", 84)),
        "grayscale": bool(pixels.get("grayscale", True)),
        "pictures": render_mode is not None,
        **{name: value for name, value in options.items() if name not in PIXELS},
    }


def _pop_flag(options: dict[str, Any], name: str) -> bool:
    value = options.pop(name, False)
    check_flag(name, value)
    return value


# Where the creators tell their render modes, Gymnasium shows "human" in a window by itself.
make_frames.metadata = FrameObservation.metadata  # type: ignore[attr-defined]
