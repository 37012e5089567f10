"""Atari games as native RGB frames, and the ids built on them. ALE's options live here alone.

The protocol is that of ALE's v5 ids (Machado et al. 2018): frame skip 4, sticky actions with
probability .25, the game's minimal action set, no life-loss signal, unclipped rewards, at most
108,000 frames an episode. Unlike v5, frames are the maximum of the last two raw frames, because
Atari sprites flicker.

* :func:`make_atari`, :func:`make_atari_vec`: frames, uint8 (H, W, 3), H×W = 210×160 in most games
* :func:`make_frames`, :func:`make_frames_vec`: ``ObjFrames-<Game>-v0``
* :func:`make_keypoints`, :func:`make_keypoints_vec`: ``ObjKeypoints-<Game>-v0``
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ale_py
import gymnasium as gym
import numpy as np
from ale_py import roms
from ale_py.env import AtariEnv
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode, VectorEnv, VectorObservationWrapper
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers import AtariPreprocessing

from objwrappers.games import check_game, rom_name
from objwrappers.wrappers.frames import FrameObservation, VectorFrameObservation

if TYPE_CHECKING:
    from objwrappers.perception.base import PerceptionModel

__all__ = [
    "make_atari",
    "make_atari_vec",
    "make_frames",
    "make_frames_vec",
    "make_keypoints",
    "make_keypoints_vec",
]

# ALE greets on stderr with every emulator otherwise.
ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)

MAX_FRAMES_PER_EPISODE = 108_000
MAX_SEED = 2**31 - 1
_SINGLE_ONLY = ("mode", "difficulty")
_VECTOR_ONLY = ("life_loss_info", "use_fire_reset", "reward_clipping", "num_threads")
_PIXEL_OPTIONS = ("stack_num", "img_height", "img_width", "grayscale")


def make_atari(
    game: str,
    *,
    frameskip: int = 4,
    repeat_action_probability: float = 0.25,
    noop_max: int = 0,
    max_num_frames_per_episode: int = MAX_FRAMES_PER_EPISODE,
    **ale: Any,
) -> gym.Env:
    """Returns one game whose observations are native frames, uint8 (H, W, 3).

    Args:
        game: ``"MsPacman"`` or ``"ms_pacman"``.
        frameskip: Raw frames an action lasts; the last two are max-pooled.
        repeat_action_probability: Chance of repeating the last action, for each raw frame.
        noop_max: Up to so many no-ops begin an episode.
        max_num_frames_per_episode: Raw frames until an episode is truncated.
        **ale: Passed on to :class:`ale_py.env.AtariEnv`: ``full_action_space``, ``mode``,
            ``difficulty``, ``continuous``, ``continuous_action_threshold``.

    Raises:
        ValueError: No such game, a frame skip that is not a positive integer, or an option of
            the vector env alone.
    """
    rom = rom_name(game)
    _check_frameskip(frameskip)
    if missing := [name for name in _VECTOR_ONLY if ale.pop(name, None) is not None]:
        raise ValueError(f"{missing[0]!r} is an option of the vector env; use gym.make_vec.")
    raw = AtariEnv(
        rom,
        frameskip=1,
        repeat_action_probability=repeat_action_probability,
        max_num_frames_per_episode=max_num_frames_per_episode,
        **ale,
    )
    height, width = _screen_size(rom)
    return AtariPreprocessing(
        raw,
        noop_max=noop_max,
        frame_skip=frameskip,
        screen_size=(width, height),
        grayscale_obs=False,
    )


def make_atari_vec(
    game: str,
    num_envs: int = 1,
    *,
    frameskip: int = 4,
    repeat_action_probability: float = 0.25,
    noop_max: int = 0,
    max_num_frames_per_episode: int = MAX_FRAMES_PER_EPISODE,
    use_fire_reset: bool = False,
    reward_clipping: bool = False,
    life_loss_info: bool = False,
    **ale: Any,
) -> VectorEnv:
    """Returns ALE's native vector env of a game with native frames, uint8 (N, H, W, 3).

    It resets by itself at the step after an episode's end, and partially by
    ``reset(options={"reset_mask": mask})``.

    Args:
        game: ``"MsPacman"`` or ``"ms_pacman"``.
        num_envs: Games played at once, N.
        frameskip: Raw frames an action lasts; the last two are max-pooled.
        repeat_action_probability: Chance of repeating the last action, for each raw frame.
        noop_max: Up to so many no-ops begin an episode.
        max_num_frames_per_episode: Raw frames until an episode is truncated.
        use_fire_reset: Press FIRE to begin an episode.
        reward_clipping: Give the sign of the reward.
        life_loss_info: A lost life ends an episode, but a partial reset goes on with the game.
        **ale: Passed on to :class:`ale_py.vector_env.AtariVectorEnv`: ``full_action_space``,
            ``num_threads``, ``continuous`` and others.

    Raises:
        ValueError: No such game, a frame skip that is not a positive integer, no envs, or an
            option that ALE's vector env does not have.
    """
    rom = rom_name(game)
    _check_frameskip(frameskip)
    if num_envs < 1:
        raise ValueError(f"num_envs must be at least 1, got {num_envs}.")
    if missing := [name for name in _SINGLE_ONLY if ale.pop(name, None) is not None]:
        raise ValueError(
            f"ALE's vector env has no option {missing[0]!r}; "
            'make single envs instead: gym.make_vec(..., vectorization_mode="async").'
        )
    height, width = _screen_size(rom)
    env = AtariVectorEnv(
        rom,
        num_envs,
        frameskip=frameskip,
        repeat_action_probability=repeat_action_probability,
        noop_max=noop_max,
        max_num_frames_per_episode=max_num_frames_per_episode,
        use_fire_reset=use_fire_reset,
        reward_clipping=reward_clipping,
        life_loss_info=life_loss_info,
        img_height=height,
        img_width=width,
        grayscale=False,
        stack_num=1,
        autoreset_mode=AutoresetMode.NEXT_STEP,
        **ale,
    )
    return _NativeFrames(env, life_loss_info)


class _NativeFrames(VectorObservationWrapper):
    """Drops ALE's stack axis of one frame: (N, 1, H, W, 3) → (N, H, W, 3).

    With ``life_loss_info``, a lost life ends an episode but not the game: a partial reset of
    such an env goes on with the next life, as SB3's EpisodicLifeEnv does.
    """

    def __init__(self, env: AtariVectorEnv, life_loss_info: bool = False) -> None:
        super().__init__(env)
        self._life_loss_info = life_loss_info
        self._alive = np.zeros(env.num_envs, bool)
        # ALE writes its autoreset mode into the dict that all vector envs share.
        self.metadata = {**env.metadata}
        assert env.single_observation_space.shape is not None
        shape = env.single_observation_space.shape[1:]
        self.single_observation_space = gym.spaces.Box(0, 255, shape, np.uint8)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Resets all envs, or those that ``options["reset_mask"]`` names.

        Args:
            seed: An integer for seed, seed + 1, ... (ALE keeps 31 bits of it), or one for each
                env reset.
            options: ``{"reset_mask": bool (N,)}`` for a partial reset.
        """
        if isinstance(seed, int | np.integer):
            seed = int(seed) % (MAX_SEED - self.num_envs)
        elif seed is not None:
            seed = np.asarray(seed)
        if self._life_loss_info and options and "reset_mask" in options:
            options = {**options, "reset_mask": options["reset_mask"] & ~self._alive}
        return super().reset(seed=seed, options=options)

    def step(self, actions: Any) -> Any:
        """Steps all envs; actions of any integer dtype are understood."""
        actions = np.asarray(actions)
        if np.issubdtype(actions.dtype, np.integer):
            actions = actions.astype(np.int64, copy=False)
        observation, rewards, terminated, truncated, info = super().step(actions)
        self._alive = (info["lives"] > 0) & ~truncated
        return observation, rewards, terminated, truncated, info

    def observations(self, observations: np.ndarray) -> np.ndarray:
        return observations[:, 0]


def make_frames(game: str, render_mode: str | None = None, **options: Any) -> gym.Env:
    """Entry point of ``ObjFrames-<Game>-v0``: stacked grey 84×84 pixels, uint8 (4, 84, 84).

    The ALE v5 protocol with max-pooling on (module docstring).

    Args:
        game: ``"MsPacman"``.
        render_mode: ``None`` or ``"rgb_array"`` (native size).
        **options: ``stack_num=4``, ``img_height=84``, ``img_width=84``, ``grayscale=True``
            (:class:`~objwrappers.wrappers.frames.StackedPixels`) and those of
            :func:`make_atari`.
    """
    pixels = {name: options.pop(name) for name in _PIXEL_OPTIONS if name in options}
    return FrameObservation(make_atari(game, **options), **pixels, render_mode=render_mode)


def make_frames_vec(
    game: str, num_envs: int = 1, render_mode: str | None = None, **options: Any
) -> VectorEnv:
    """Vector entry point of ``ObjFrames-<Game>-v0``; see :func:`make_frames`."""
    pixels = {name: options.pop(name) for name in _PIXEL_OPTIONS if name in options}
    env = make_atari_vec(game, num_envs, **options)
    return VectorFrameObservation(env, **pixels, render_mode=render_mode)


def make_keypoints(
    game: str,
    model: str | PerceptionModel = "motion",
    weights: str | None = None,
    device: str = "auto",
    render_mode: str | None = None,
    **options: Any,
) -> gym.Env:
    """Entry point of ``ObjKeypoints-<Game>-v0``: keypoints on what moves.

    The ALE v5 protocol with max-pooling on (module docstring). Observations are a dict of
    float32 arrays: ``keypoints`` (K, 2) as (x, y) in [-1, 1], ``present`` (K,) as
    probabilities, ``features`` (K, F).

    Args:
        game: ``"MsPacman"``.
        model: ``"motion"``, ``"transporter"``, or a perception model of your own.
        weights: A folder or a hub repository; by default the user's cache, then the bundled ones.
        device: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
        render_mode: ``None`` or ``"rgb_array"``: the frame with the keypoints drawn on it.
        **options: Those of :func:`make_atari`.

    Raises:
        FileNotFoundError: There are no weights; the message says how to make them.
        ValueError: No such game or model.
    """
    from objwrappers.wrappers.perception import PerceptionObservation

    env = make_atari(game, **options)
    perception = _load_keypoints(game, model, weights, device)
    return PerceptionObservation(env, perception, render_mode)


def make_keypoints_vec(
    game: str,
    num_envs: int = 1,
    model: str | PerceptionModel = "motion",
    weights: str | None = None,
    device: str = "auto",
    render_mode: str | None = None,
    **options: Any,
) -> VectorEnv:
    """Vector entry point of ``ObjKeypoints-<Game>-v0``: one forward pass for all envs.

    See :func:`make_keypoints`; ``options`` are those of :func:`make_atari_vec`.
    """
    from objwrappers.wrappers.perception import VectorPerceptionObservation

    env = make_atari_vec(game, num_envs, **options)
    perception = _load_keypoints(game, model, weights, device)
    return VectorPerceptionObservation(env, perception, render_mode)


# Where the creators tell their render modes, Gymnasium shows "human" in a window by itself.
for _creator in (make_frames, make_keypoints):
    _creator.metadata = FrameObservation.metadata  # type: ignore[union-attr]


def _load_keypoints(
    game: str, model: str | PerceptionModel, weights: str | None, device: str
) -> PerceptionModel:
    from objwrappers.perception.base import load_model

    if not isinstance(model, str):
        return model
    return load_model(model, game=check_game(game), weights=weights, device=device)


def _check_frameskip(frameskip: Any) -> None:
    if not isinstance(frameskip, int) or frameskip < 1:
        raise ValueError(f"frameskip must be a positive integer, got {frameskip!r}.")


@lru_cache
def _screen_size(rom: str) -> tuple[int, int]:
    ale = ale_py.ALEInterface()
    path = roms.get_rom_path(rom)
    assert path is not None, f"{rom} is not a ROM of ALE's"
    ale.loadROM(path)
    return ale.getScreenDims()
