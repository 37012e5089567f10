"""Entry points of ``ObjGaze-<Game>-v0``: frames with the gaze that a model predicts.

* :func:`make_gaze`, :func:`make_gaze_vec`
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from objwrappers.envs.atari import make_atari
from objwrappers.envs.checked import VectorCheckedEnv
from objwrappers.envs.loading import check_names_of
from objwrappers.envs.options import check_numbers
from objwrappers.envs.singles import Singles
from objwrappers.games import check_game
from objwrappers.wrappers.base import TransformFrames, VectorTransformFrames, check_render_mode

if TYPE_CHECKING:
    from objwrappers.envs.frame_ids import Source
    from objwrappers.perception.gaze.module import GazeModule
    from objwrappers.wrappers.base import FrameTransform

__all__ = ["make_gaze", "make_gaze_vec"]


def make_gaze(
    game: str,
    model: str | GazeModule = "motion",
    weights: str | None = None,
    device: str = "auto",
    mode: str = "channel",
    stack_num: int = 4,
    render_mode: str | None = None,
    source: Source[gym.Env] = make_atari,
    **options: Any,
) -> gym.Env:
    """Entry point of ``ObjGaze-<Game>-v0``: stacked grey frames, 84×84, and predicted gaze.

    The ALE v5 protocol with max-pooling on (see :mod:`objwrappers.envs.atari`). An agent acts
    every fourth frame; the model, which learned from people, sees all of them, as people did.
    Observations are those of :class:`~objwrappers.wrappers.gaze.LookedAt`.

    Args:
        game: ``"MsPacman"``.
        model: ``"motion"``, ``"deconv"``, ``"gcu"``, or a gaze model of your own.
        weights: A folder or a hub repository; by default the user's cache, then the bundled ones.
        device: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
        mode: ``"channel"``, ``"mask"``, ``"foveate"`` or ``"keypoints"``.
        stack_num: Frames in a stack.
        render_mode: ``None`` or ``"rgb_array"``: the frame with the gaze drawn on it.
        source: Makes the env of frames: another has other options.
        **options: Those of :func:`~objwrappers.envs.atari.make_atari`, but for bars.

    Raises:
        FileNotFoundError: There are no weights; the message says how to make them.
        ValueError: No such game, model, mode or option.
    """
    look = _look(game, model, weights, device, mode, stack_num, render_mode, options)
    env = source(game, raw_stack=True, pictures=render_mode is not None, **options)
    return TransformFrames(env, look(num_envs=1), render_mode)


def make_gaze_vec(
    game: str,
    num_envs: int = 1,
    model: str | GazeModule = "motion",
    weights: str | None = None,
    device: str = "auto",
    mode: str = "channel",
    stack_num: int = 4,
    render_mode: str | None = None,
    source: Source[VectorEnv] | None = None,
    **options: Any,
) -> VectorEnv:
    """Vector entry point of ``ObjGaze-<Game>-v0``: one prediction for all envs.

    See :func:`make_gaze`. ALE's vector env does not show raw frames, so that single envs are
    played one after the other.
    """
    look = _look(game, model, weights, device, mode, stack_num, render_mode, options)
    env = (source or _singles)(
        game, num_envs, raw_stack=True, pictures=render_mode is not None, **options
    )
    return VectorTransformFrames(env, look(num_envs=num_envs), render_mode)


def _singles(game: str, num_envs: int, **options: Any) -> VectorEnv:
    check_numbers({"num_envs": num_envs})
    return VectorCheckedEnv(Singles([partial(make_atari, game, **options)] * num_envs))


def _look(
    game: str,
    model: str | GazeModule,
    weights: str | None,
    device: str,
    mode: str,
    stack_num: int,
    render_mode: str | None,
    options: dict[str, Any],
) -> Callable[..., FrameTransform]:
    from objwrappers.perception.gaze.module import GazeModule
    from objwrappers.perception.loading import load_model
    from objwrappers.wrappers.gaze import LookedAt

    check_render_mode(render_mode)
    check_names_of("ObjGaze", options)
    check_numbers({"stack_num": stack_num})
    gaze: Any = model
    if isinstance(model, str):
        gaze = load_model(model, check_game(game), weights, device, family="gaze")
    if not isinstance(gaze, GazeModule):
        raise ValueError(f"ObjGaze needs a GazeModule, got a model of {type(gaze)}.")
    return partial(LookedAt, gaze, mode, stack_num=stack_num)


# Where the creator tells its render modes, Gymnasium shows "human" in a window by itself.
make_gaze.metadata = TransformFrames.metadata  # type: ignore[attr-defined]
