"""Atari games as frames of the size that their reader wants. ALE's options live here alone.

The protocol is that of ALE's v5 ids (Machado et al. 2018): frame skip 4, sticky actions with
probability .25, the game's minimal action set, no life-loss signal, unclipped rewards, at most
108,000 frames an episode. Unlike v5, frames are the maximum of the last two raw frames, because
Atari sprites flicker.

ALE resizes frames itself, in the vector env on its own threads, where nobody needs native ones.
Bars are drawn on native frames, and pictures are native; those frames are resized by the same
rule, with the same result to the last bit.

* :func:`make_atari`, :func:`make_atari_vec`: frames, uint8 (H, W, 3), H×W = 210×160 in most games

:mod:`objwrappers.envs.frame_ids` and :mod:`objwrappers.envs.atari_ids` build the registered ids
on them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import ale_py
import gymnasium as gym
from ale_py.env import AtariEnv
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.wrappers import AtariPreprocessing

from objwrappers.envs.breakout import InfiniteBreakout
from objwrappers.envs.cartridges import check_cartridge, screen_size
from objwrappers.envs.checked import CheckedEnv, VectorCheckedEnv
from objwrappers.envs.console import ConsoleMemory
from objwrappers.envs.distractors import NoisyFrames, VectorNoisyFrames, check_motion
from objwrappers.envs.lives import VectorFireEachLife, with_lives
from objwrappers.envs.native import Lockstep, NativeFrames
from objwrappers.envs.options import (
    FLAGS,
    MAX_FRAMES_PER_EPISODE,
    SHARED,
    SINGLE,
    TRAINING,
    VECTOR,
    check_names,
    check_numbers,
)
from objwrappers.envs.raw import NoopStart, RawFrames
from objwrappers.envs.raw_stack import SIDE_PX, RawStack, SmallFrames, WithRawStack
from objwrappers.envs.singles import Singles
from objwrappers.games import rom_name
from objwrappers.rendering.bars import check_noise
from objwrappers.wrappers.resizing import ResizeFrames, VectorResizeFrames

__all__ = ["make_atari", "make_atari_vec"]

# ALE greets on stderr with every emulator otherwise.
ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)

Size = tuple[int, int]


def make_atari(
    game: str,
    *,
    frame_size: Size | None = None,
    grayscale: bool = False,
    pictures: bool = False,
    raw_frames: bool = False,
    raw_stack: bool = False,
    memory: bool = False,
    frameskip: int = 4,
    repeat_action_probability: float = 0.25,
    noop_max: int = 0,
    max_num_frames_per_episode: int = MAX_FRAMES_PER_EPISODE,
    reward_clipping: bool = False,
    life_loss_info: bool = False,
    fire_each_life: bool = False,
    infinite: bool = False,
    noise: str = "none",
    noise_motion: str = "iid",
    **ale: Any,
) -> gym.Env:
    """Returns one game whose observations are frames, uint8 (h, w, 3), or grey, (h, w, 1).

    Args:
        game: ``"MsPacman"`` or ``"ms_pacman"``.
        frame_size: Height h and width w of the frames; None for native ones.
        grayscale: Grey frames, the palette's luma as ALE has it.
        pictures: Keep the native RGB frame for
            :func:`~objwrappers.wrappers.base.pictures_of`, bars included.
        raw_frames: Keep what :func:`~objwrappers.envs.raw.raw_frames_of` gives.
        raw_stack: Observations are grey, 84×84, and beside them the last four raw frames:
            uint8 (84, 84, 5), see :mod:`objwrappers.envs.raw_stack`. Without bars.
        memory: Observations are the console's memory instead, uint8 (2, 128), see
            :class:`~objwrappers.envs.console.ConsoleMemory`; frames are drawn for pictures alone.
        frameskip: Raw frames an action lasts; the last two are max-pooled.
        repeat_action_probability: Chance of repeating the last action, for each raw frame.
        noop_max: Fewer no-ops than that begin an episode, as many as in the vector env.
        max_num_frames_per_episode: Raw frames until an episode is truncated.
        reward_clipping: Give the sign of the reward; the reward is in ``info["raw_reward"]``.
        life_loss_info: A lost life ends an episode, but the reset after it goes on with the game;
            ``info["game_over"]`` tells the game's end.
        fire_each_life: FIRE takes the place of the first action of every life where a game has it.
        infinite: Of Breakout: the wall is built again and again, see
            :class:`~objwrappers.envs.breakout.InfiniteBreakout`.
        noise: Bars drawn on the frames: ``"none"``, ``"horizontal"``, ``"vertical"``, ``"both"``.
        noise_motion: ``"iid"`` or ``"smooth"``, see
            :class:`~objwrappers.envs.distractors.Distractors`.
        **ale: Passed on to :class:`ale_py.env.AtariEnv`: ``full_action_space``, ``mode``,
            ``difficulty``, ``continuous``, ``continuous_action_threshold``.

    Raises:
        ValueError: No such game, noise or option, a number out of range, an option of the vector
            env alone, ``infinite`` in another game than Breakout, or ``raw_stack`` with bars.
    """
    flags = {"infinite": infinite, "fire_each_life": fire_each_life, "raw_frames": raw_frames}
    check_numbers(flags)
    rom, size = _check(game, frame_size, noise, noise_motion, infinite)
    alone = [name for name in VECTOR if name not in TRAINING]
    if missing := [name for name in alone if ale.pop(name, None) is not None]:
        raise ValueError(f"{missing[0]!r} is an option of the vector env; use gym.make_vec.")
    check_names(ale, (*SHARED, *SINGLE))
    training = {"reward_clipping": reward_clipping, "life_loss_info": life_loss_info}
    common: dict[str, Any] = {
        "repeat_action_probability": repeat_action_probability,
        "max_num_frames_per_episode": max_num_frames_per_episode,
        **ale,
    }
    check_numbers({"frameskip": frameskip, "noop_max": noop_max, **training, **common})
    _check_training(training, infinite)
    if raw_stack:
        if noise != "none":
            raise ValueError(f"noise={noise!r}: bars are drawn once an action, not on raw frames.")
        size, grayscale = (SIDE_PX, SIDE_PX), True
    kept = raw_frames or (pictures and grayscale)
    common["obs_type"] = "ram" if memory else "grayscale" if grayscale and not kept else "rgb"
    env = _raw_env(rom, noop_max, infinite, common)
    meanings = env.unwrapped.get_action_meanings()  # type: ignore[attr-defined]
    if kept:
        env = RawFrames(env, frameskip)
    small = SmallFrames()
    if raw_stack:
        env = RawStack(env, small)
    bars = noise != "none"
    resized = size is not None and not bars and (grayscale or not pictures)
    height, width = size if size is not None and resized else screen_size(rom)
    if memory:
        env = ConsoleMemory(env, frameskip, pictures)
    else:
        env = AtariPreprocessing(
            env,
            noop_max=0,
            frame_skip=frameskip,
            screen_size=(width, height),
            grayscale_obs=grayscale,
            grayscale_newaxis=True,
        )
    fire = meanings.index("FIRE") if fire_each_life and "FIRE" in meanings else None
    env = with_lives(env, life_loss_info, reward_clipping, fire)
    env = CheckedEnv(env)
    if raw_stack:
        return WithRawStack(env, small)
    if bars:
        env = NoisyFrames(env, noise, noise_motion)
    return env if size is None or resized else ResizeFrames(env, *size)


def make_atari_vec(
    game: str,
    num_envs: int = 1,
    *,
    frame_size: Size | None = None,
    grayscale: bool = False,
    pictures: bool = False,
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
    """Returns ALE's native vector env of a game: frames uint8 (N, h, w, 3), or grey, (N, h, w, 1).

    It resets by itself at the step after an episode's end, and partially by
    ``reset(options={"reset_mask": mask})``.

    Args:
        game: ``"MsPacman"`` or ``"ms_pacman"``.
        num_envs: Games played at once, N.
        frame_size: Height h and width w of the frames; None for native ones.
        grayscale: Grey frames, the palette's luma as ALE has it.
        pictures: Keep the native RGB frames for
            :func:`~objwrappers.wrappers.base.pictures_of`, bars included. Grey games are played
            twice then.
        frameskip: Raw frames an action lasts; the last two are max-pooled.
        repeat_action_probability: Chance of repeating the last action, for each raw frame.
        noop_max: Fewer no-ops than that begin an episode.
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
        ValueError: No such game, noise or option, a number out of range, or an option that ALE's
            vector env does not have.
    """
    check_numbers({"infinite": infinite, "fire_each_life": fire_each_life})
    rom, size = _check(game, frame_size, noise, noise_motion, infinite)
    if not infinite and (missing := [name for name in SINGLE if ale.get(name) is not None]):
        raise ValueError(
            f"ALE's vector env has no option {missing[0]!r}; "
            'make single envs instead: gym.make_vec(..., vectorization_mode="async").'
        )
    check_names(ale, (*SHARED, *VECTOR, *(SINGLE if infinite else ())))
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
    check_numbers({"num_envs": num_envs, **training, **common})
    _check_training(training, infinite)
    bars = noise != "none"
    resized = size is not None and not bars and (grayscale or not pictures)
    emulated = size if resized else None
    env: VectorEnv
    if infinite:
        looks = {"frame_size": emulated, "grayscale": grayscale, "pictures": pictures}
        common = {name: value for name, value in common.items() if name not in VECTOR}
        one = partial(make_atari, game, fire_each_life=fire_each_life, infinite=True, **common)
        single = partial(one, **looks)
        env = Singles([single] * num_envs)
    else:
        # Rewards are clipped by NativeFrames, which shows both.
        common |= {**training, "reward_clipping": False}
        native = _make_native(rom, num_envs, emulated, grayscale, common)
        actions = native.ale.get_action_set()
        env = native
        if grayscale and pictures:
            env = Lockstep(native, _make_native(rom, num_envs, None, False, common))
        env = NativeFrames(env, life_loss_info, reward_clipping)
        if fire_each_life and ale_py.Action.FIRE in actions:
            env = VectorFireEachLife(env, actions.index(ale_py.Action.FIRE))
    env = VectorCheckedEnv(env)
    if bars:
        env = VectorNoisyFrames(env, noise, noise_motion)
    return env if size is None or resized else VectorResizeFrames(env, *size)


def _check_training(training: dict[str, bool], infinite: bool) -> None:
    wanted = [name for name, value in training.items() if value]
    if infinite and wanted:
        raise ValueError(
            f"infinite=True does not go together with {' and '.join(wanted)}: pass False for them."
        )


def _raw_env(rom: str, noop_max: int, infinite: bool, options: dict[str, Any]) -> gym.Env:
    check_cartridge(rom, options)
    if noop_max <= 1:
        env: gym.Env = AtariEnv(rom, frameskip=1, **options)
        return InfiniteBreakout(env) if infinite else env
    max_frames = options["max_num_frames_per_episode"]
    options = {**options, "max_num_frames_per_episode": max_frames + noop_max}
    env = AtariEnv(rom, frameskip=1, **options)
    return NoopStart(InfiniteBreakout(env) if infinite else env, rom, noop_max, max_frames)


def _make_native(
    rom: str, num_envs: int, size: Size | None, grayscale: bool, options: dict[str, Any]
) -> AtariVectorEnv:
    height, width = size or screen_size(rom)
    # What is bound to C++ takes nothing for True but True.
    options = {k: bool(value) if k in FLAGS else value for k, value in options.items()}
    return AtariVectorEnv(
        rom,
        num_envs,
        img_height=height,
        img_width=width,
        grayscale=grayscale,
        stack_num=1,
        autoreset_mode=AutoresetMode.NEXT_STEP,
        **options,
    )


def _check(
    game: str, frame_size: Any, noise: str, noise_motion: str, infinite: bool
) -> tuple[str, Size | None]:
    check_noise(noise)
    check_motion(noise_motion)
    if infinite and rom_name(game) != "breakout":
        raise ValueError(f"infinite=True is an option of Breakout, not of {game}.")
    if frame_size is None:
        return rom_name(game), None
    height, width = frame_size
    if not all(isinstance(side, int) and side > 0 for side in (height, width)):
        raise ValueError(f"The frames' size must be positive: {height} by {width}.")
    return rom_name(game), (height, width)
