"""Atari games as native RGB frames. ALE's options live here alone.

The protocol is that of ALE's v5 ids (Machado et al. 2018): frame skip 4, sticky actions with
probability .25, the game's minimal action set, no life-loss signal, unclipped rewards, at most
108,000 frames an episode. Unlike v5, frames are the maximum of the last two raw frames, because
Atari sprites flicker.

* :func:`make_atari`, :func:`make_atari_vec`: frames, uint8 (H, W, 3), H×W = 210×160 in most games

:mod:`objwrappers.envs.atari_ids` builds the registered ids on them.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import ale_py
import gymnasium as gym
import numpy as np
from ale_py import roms
from ale_py.env import AtariEnv
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv, VectorObservationWrapper
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers import AtariPreprocessing

from objwrappers.envs.breakout import InfiniteBreakout
from objwrappers.envs.distractors import NoisyFrames, VectorNoisyFrames, check_motion
from objwrappers.envs.lives import FireEachLife, VectorFireEachLife
from objwrappers.games import rom_name
from objwrappers.rendering.bars import check_noise

__all__ = ["make_atari", "make_atari_vec"]

# ALE greets on stderr with every emulator otherwise.
ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)

MAX_FRAMES_PER_EPISODE = 108_000
MAX_SEED = 2**31 - 1
_SINGLE_ONLY = ("mode", "difficulty")
_VECTOR_ONLY = ("life_loss_info", "use_fire_reset", "reward_clipping", "num_threads")


def make_atari(
    game: str,
    *,
    frameskip: int = 4,
    repeat_action_probability: float = 0.25,
    noop_max: int = 0,
    max_num_frames_per_episode: int = MAX_FRAMES_PER_EPISODE,
    fire_each_life: bool = False,
    infinite: bool = False,
    noise: str = "none",
    noise_motion: str = "iid",
    **ale: Any,
) -> gym.Env:
    """Returns one game whose observations are native frames, uint8 (H, W, 3).

    Args:
        game: ``"MsPacman"`` or ``"ms_pacman"``.
        frameskip: Raw frames an action lasts; the last two are max-pooled.
        repeat_action_probability: Chance of repeating the last action, for each raw frame.
        noop_max: Up to so many no-ops begin an episode.
        max_num_frames_per_episode: Raw frames until an episode is truncated.
        fire_each_life: FIRE takes the place of the first action of every life where a game has it.
        infinite: Of Breakout: the wall is built again and again, see
            :class:`~objwrappers.envs.breakout.InfiniteBreakout`.
        noise: Bars drawn on the frames: ``"none"``, ``"horizontal"``, ``"vertical"``, ``"both"``.
        noise_motion: ``"iid"`` or ``"smooth"``, see
            :class:`~objwrappers.envs.distractors.Distractors`.
        **ale: Passed on to :class:`ale_py.env.AtariEnv`: ``full_action_space``, ``mode``,
            ``difficulty``, ``continuous``, ``continuous_action_threshold``.

    Raises:
        ValueError: No such game or noise, a frame skip that is not a positive integer, an option
            of the vector env alone, or ``infinite`` in another game than Breakout.
    """
    check_noise(noise)
    check_motion(noise_motion)
    rom = rom_name(game)
    _check_frameskip(frameskip)
    if missing := [name for name in _VECTOR_ONLY if ale.pop(name, None) is not None]:
        raise ValueError(f"{missing[0]!r} is an option of the vector env; use gym.make_vec.")
    if infinite and rom != "breakout":
        raise ValueError(f"infinite=True is an option of Breakout, not of {game}.")
    raw: gym.Env = AtariEnv(
        rom,
        frameskip=1,
        repeat_action_probability=repeat_action_probability,
        max_num_frames_per_episode=max_num_frames_per_episode,
        **ale,
    )
    meanings = raw.unwrapped.get_action_meanings()  # type: ignore[attr-defined]
    height, width = _screen_size(rom)
    env: gym.Env = AtariPreprocessing(
        InfiniteBreakout(raw) if infinite else raw,
        noop_max=noop_max,
        frame_skip=frameskip,
        screen_size=(width, height),
        grayscale_obs=False,
    )
    if fire_each_life and "FIRE" in meanings:
        env = FireEachLife(env, meanings.index("FIRE"))
    return env if noise == "none" else NoisyFrames(env, noise, noise_motion)


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
    fire_each_life: bool = False,
    infinite: bool = False,
    noise: str = "none",
    noise_motion: str = "iid",
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
        reward_clipping: Give the sign of the reward; the reward is in ``info["raw_reward"]``.
        life_loss_info: A lost life ends an episode, but a partial reset goes on with the game;
            ``info["game_over"]`` tells the game's end.
        fire_each_life: FIRE takes the place of the first action of every life where a game has it.
        infinite: Of Breakout: the wall is built again and again. ALE's vector env cannot do it:
            these are single envs, played one after the other.
        noise: Bars drawn on the frames: ``"none"``, ``"horizontal"``, ``"vertical"``, ``"both"``.
        noise_motion: ``"iid"`` or ``"smooth"``, see
            :class:`~objwrappers.envs.distractors.Distractors`.
        **ale: Passed on to :class:`ale_py.vector_env.AtariVectorEnv`: ``full_action_space``,
            ``num_threads``, ``continuous`` and others.

    Raises:
        ValueError: No such game or noise, a frame skip that is not a positive integer, no envs,
            or an option that ALE's vector env does not have.
    """
    check_noise(noise)
    check_motion(noise_motion)
    rom = rom_name(game)
    _check_frameskip(frameskip)
    if num_envs < 1:
        raise ValueError(f"num_envs must be at least 1, got {num_envs}.")
    if not infinite and (missing := [name for name in _SINGLE_ONLY if ale.get(name) is not None]):
        raise ValueError(
            f"ALE's vector env has no option {missing[0]!r}; "
            'make single envs instead: gym.make_vec(..., vectorization_mode="async").'
        )
    common: dict[str, Any] = {
        "frameskip": frameskip,
        "repeat_action_probability": repeat_action_probability,
        "noop_max": noop_max,
        "max_num_frames_per_episode": max_num_frames_per_episode,
        **ale,
    }
    training = {
        "use_fire_reset": use_fire_reset,
        "reward_clipping": reward_clipping,
        "life_loss_info": life_loss_info,
    }
    frames: VectorEnv
    if infinite:
        if wanted := [name for name, value in training.items() if value]:
            raise ValueError(
                f"infinite=True does not go together with {' and '.join(wanted)}: pass False "
                "for them."
            )
        common.pop("num_threads", None)
        single = partial(make_atari, game, fire_each_life=fire_each_life, infinite=True, **common)
        frames = SyncVectorEnv([single] * num_envs, autoreset_mode=AutoresetMode.NEXT_STEP)
    else:
        # Rewards are clipped by _NativeFrames, which shows both.
        native = _make_native(rom, num_envs, {**common, **training, "reward_clipping": False})
        frames = _NativeFrames(native, life_loss_info, reward_clipping)
        actions = native.ale.get_action_set()
        if fire_each_life and ale_py.Action.FIRE in actions:
            frames = VectorFireEachLife(frames, actions.index(ale_py.Action.FIRE))
    return frames if noise == "none" else VectorNoisyFrames(frames, noise, noise_motion)


def _make_native(rom: str, num_envs: int, options: dict[str, Any]) -> AtariVectorEnv:
    height, width = _screen_size(rom)
    return AtariVectorEnv(
        rom,
        num_envs,
        img_height=height,
        img_width=width,
        grayscale=False,
        stack_num=1,
        autoreset_mode=AutoresetMode.NEXT_STEP,
        **options,
    )


class _NativeFrames(VectorObservationWrapper):
    """Drops ALE's stack axis of one frame: (N, 1, H, W, 3) → (N, H, W, 3).

    With ``life_loss_info``, a lost life ends an episode but not the game: a partial reset of
    such an env goes on with the next life, as SB3's EpisodicLifeEnv does.
    """

    def __init__(
        self, env: AtariVectorEnv, life_loss_info: bool = False, reward_clipping: bool = False
    ) -> None:
        super().__init__(env)
        self._life_loss_info = life_loss_info
        self._reward_clipping = reward_clipping
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
        if self._life_loss_info:
            info["game_over"] = (terminated | truncated) & ~self._alive
        if self._reward_clipping:
            info["raw_reward"], rewards = rewards, np.sign(rewards)
        return observation, rewards, terminated, truncated, info

    def observations(self, observations: np.ndarray) -> np.ndarray:
        return observations[:, 0]


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
