"""Entry points of ``AtariHead-<Game>-v0``: recorded human play, streamed as an env.

* :func:`make_atari_head`, :func:`make_atari_head_vec`
* :func:`known_options`: what they take

Frames are skipped and pooled as in training, so that whatever looks at games looks at recordings,
too: keypoints and scenes, and any agent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from objwrappers.datasets.atari_head.episodes import Episode, find_episodes
from objwrappers.datasets.atari_head.finding import read_trials
from objwrappers.datasets.atari_head.zenodo import data_folder
from objwrappers.envs import atari_ids, frame_ids, gaze_ids
from objwrappers.envs.atari import Size
from objwrappers.envs.checked import CheckedEnv, VectorCheckedEnv
from objwrappers.envs.distractors import NoisyFrames, VectorNoisyFrames, check_motion
from objwrappers.envs.options import RECORDED, SHARED, check_names, check_numbers, check_path
from objwrappers.envs.recorded import RecordedPlay
from objwrappers.envs.singles import Singles
from objwrappers.games import ATARI_HEAD, check_game, rom_name
from objwrappers.names import check_name
from objwrappers.registration import FAMILIES
from objwrappers.rendering.bars import check_noise
from objwrappers.wrappers.base import FrameTransform, TransformFrames, VectorTransformFrames
from objwrappers.wrappers.resizing import ResizeFrames, VectorResizeFrames

__all__ = ["known_options", "make_atari_head", "make_atari_head_vec"]

_SOURCE = tuple(name for name in RECORDED if name != "observe")

_OBSERVED: Mapping[str, tuple[Any, Any]] = {
    "ObjFrames": (frame_ids.make_frames, frame_ids.make_frames_vec),
    "ObjKeypoints": (atari_ids.make_keypoints, atari_ids.make_keypoints_vec),
    "ObjScene": (atari_ids.make_scene, atari_ids.make_scene_vec),
    "ObjGaze": (gaze_ids.make_gaze, gaze_ids.make_gaze_vec),
}


def make_atari_head(
    game: str, observe: str | None = None, render_mode: str | None = None, **options: Any
) -> gym.Env:
    """Entry point of ``AtariHead-<Game>-v0``: a person plays, and actions are ignored.

    Observations are the frames, uint8 (210, 160, 3), each the maximum of the last two of an
    action, or what ids of the game would make of them. ``info`` has the person's action, gaze and
    score, see :class:`~objwrappers.envs.recorded.RecordedPlay`, which also tells how episodes
    follow each other and how to go to a frame.

    Args:
        game: ``"MsPacman"``.
        observe: None, ``"ObjFrames"``, ``"ObjKeypoints"``, ``"ObjScene"`` or ``"ObjGaze"``; with
            the options of these ids, such as ``model``.
        render_mode: ``None`` or ``"rgb_array"``.
        **options: ``path`` of the dataset (see
            :func:`~objwrappers.datasets.atari_head.finding.read_trials`; by default where
            ``zoo/download.py`` puts it), ``trials``, of which ids alone, ``episodes``, each a
            ``"game"`` or a whole ``"trial"``, ``frameskip=4``, ``full_action_space=False``,
            ``noise="none"`` and ``noise_motion="iid"``.

    Raises:
        ValueError: No such game, trial or option.
        FileNotFoundError: There are no trials; the message says how to fetch them.
    """
    own, rest = _split(game, observe, options)
    source: Callable[..., gym.Env] = partial(_frames, **own)
    if observe is None:
        return TransformFrames(source(game), _AsTheyAre(), render_mode)
    return _OBSERVED[observe][0](game, render_mode=render_mode, source=source, **rest)


def make_atari_head_vec(
    game: str,
    num_envs: int = 1,
    observe: str | None = None,
    render_mode: str | None = None,
    **options: Any,
) -> VectorEnv:
    """Vector entry point of ``AtariHead-<Game>-v0``: each env begins with another episode.

    See :func:`make_atari_head`. Envs decode their frames on threads of their own; what is
    perceived is perceived for all at once.
    """
    own, rest = _split(game, observe, options)
    source: Callable[..., VectorEnv] = partial(_frames_vec, **own)
    if observe is None:
        env = source(game, num_envs)
        return VectorTransformFrames(env, _AsTheyAre(), render_mode)
    make = _OBSERVED[observe][1]
    return make(game, num_envs, render_mode=render_mode, source=source, **rest)


class _AsTheyAre(FrameTransform):
    """Frames are the observation."""

    single_observation_space = gym.spaces.Box(0, 255, (210, 160, 3), np.uint8)

    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """Returns a copy: pictures are not the reader's."""
        return frames.copy()


def _split(
    game: str, observe: str | None, options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the options of the recording, and those of what is observed."""
    if check_game(game) not in ATARI_HEAD:
        raise ValueError(f"Nobody plays {game} in Atari-HEAD. There are {', '.join(ATARI_HEAD)}.")
    if observe is not None:
        check_name("observe", observe, _OBSERVED)
    check_names(options, known_options(observe))
    own = {name: value for name, value in options.items() if name in _SOURCE}
    check_numbers(own)
    return own, {name: value for name, value in options.items() if name not in _SOURCE}


def known_options(observe: str | None) -> list[str]:
    """Returns the names of the options: those of what is observed that do not ask an emulator.

    Args:
        observe: None, or a family whose observations recordings can give, ``"ObjFrames"``.
    """
    others = (*SHARED, "confounded")
    looks = () if observe is None else FAMILIES[observe].options
    return [*RECORDED, *(name for name in looks if name not in others)]


def _frames(game: str, **options: Any) -> gym.Env:
    make, bars, size = _prepare(game, **options)
    env: gym.Env = CheckedEnv(make())
    if bars is not None:
        env = NoisyFrames(env, *bars)
    return env if size is None else ResizeFrames(env, *size)


def _frames_vec(game: str, num_envs: int, **options: Any) -> VectorEnv:
    check_numbers({"num_envs": num_envs})
    make, bars, size = _prepare(game, **options)
    env: VectorEnv = VectorCheckedEnv(Singles([partial(make, begin=i) for i in range(num_envs)]))
    if bars is not None:
        env = VectorNoisyFrames(env, *bars)
    return env if size is None else VectorResizeFrames(env, *size)


def _prepare(
    game: str,
    *,
    path: str | None = None,
    trials: Sequence[int] | None = None,
    episodes: str = "game",
    frame_size: Size | None = None,
    noise: str = "none",
    noise_motion: str = "iid",
    **recorded: Any,
) -> tuple[Callable[..., RecordedPlay], tuple[str, str] | None, Size | None]:
    """Returns what makes an env, its bars, and the size to which frames with bars are resized."""
    check_noise(noise)
    check_motion(noise_motion)
    found = _find(game, path, trials, episodes)
    if noise == "none":
        return partial(RecordedPlay, found, game, frame_size=frame_size, **recorded), None, None
    return partial(RecordedPlay, found, game, **recorded), (noise, noise_motion), frame_size


def _find(
    game: str, path: str | None, trials: Sequence[int] | None, episodes: str
) -> list[Episode]:
    check_path("path", path)
    place = data_folder() if path is None else Path(path)
    rom = rom_name(game)
    if path is None and not place.exists():
        raise FileNotFoundError(
            f"There is no recorded play in {place}. Fetch it: python zoo/download.py --game {rom}; "
            "or say where it is: path=."
        )
    known = {trial.trial_id: trial for trial in read_trials(place, rom)}
    if isinstance(trials, str) or not (trials is None or isinstance(trials, Sequence)):
        raise ValueError(f"trials must be a list of trials' ids, got {trials!r}.")
    if missing := [trial for trial in trials or () if trial not in known]:
        raise ValueError(
            f"There is no trial {missing[0]!r} of {game} in {place}; there are "
            f"{', '.join(map(str, known))}."
        )
    chosen = [known[trial] for trial in trials] if trials else [*known.values()]
    found = find_episodes(chosen, episodes)
    if not found:
        names = ", ".join(trial.name for trial in chosen)
        raise ValueError(f"Nothing of {names} in {place} can be read: labels are missing or empty.")
    return found
