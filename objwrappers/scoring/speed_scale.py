"""How envs scale: 1 to 1,024 of them, by model, by runtime, beside other libraries' envs.

:func:`env_scaling`: for each number of envs a table as that of
:func:`~objwrappers.scoring.speed.env_speed`
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv, VecFrameStack

from objwrappers.envs.atari import make_atari_vec
from objwrappers.games import check_game
from objwrappers.memory import resident_bytes
from objwrappers.perception.loading import check_device, load_model
from objwrappers.scoring.speed import WARM_UP_STEPS, Row, machine, play, take_turns

__all__ = ["env_scaling"]

LARGEST_OF_PROCESSES = 64  # envs, each a process of its own

OC_ATARI = """
import sys, time
from ocatari.core import OCAtari
import ale_py, gymnasium
gymnasium.register_envs(ale_py)
env = OCAtari(f"ALE/{sys.argv[1]}-v5", mode=sys.argv[2], hud=False, obs_mode="obj")
env.reset(seed=0)
steps, start = 0, time.perf_counter()
while time.perf_counter() - start < float(sys.argv[3]):
    _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    steps += 1
    if terminated or truncated:
        env.reset()
print(steps / (time.perf_counter() - start))
"""
"""One env of OC_Atari (Delfosse et al. 2024), in the Python where it is installed."""


def env_scaling(
    game: str = "MsPacman",
    num_envs: Sequence[int] = (1, 4, 16, 64, 256, 1024),
    *,
    models: Sequence[str] = ("light", "motion"),
    runtimes: Sequence[str] = ("auto",),
    peers: bool = False,
    oc_atari: str | Path | None = None,
    device: str = "auto",
    seconds: float = 2.0,
    repeats: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Plays with random actions, with more and more envs at once.

    Args:
        game: ``"MsPacman"``.
        num_envs: Numbers of envs.
        models: Perception models of ObjKeypoints.
        runtimes: Of each model, see :func:`~objwrappers.perception.runtime.running`.
        peers: SB3's AtariWrapper in a SubprocVecEnv, too, with as many processes as envs, up to
            64.
        oc_atari: Python of an environment that has OC_Atari: one env of it, by itself, after the
            other rows, by memory (``ram``) and by sight (``vision``).
        device: Of perception; on CUDA there are rows whose observations stay there.
        seconds: Length of a turn.
        repeats: Turns of each row.
        seed: Of the games.

    Returns:
        The machine and the options; ``rows``, each with ``name``, ``num_envs``,
        ``env_steps_per_second``, ``ratio_to_raw`` (of as many envs), ``memory_mb``, by how much
        the process, without others that it began, grew as the envs were made and warmed up, and
        its ``turns``.

    Raises:
        FileNotFoundError: There are no weights of a model for the game.
        ValueError: No such game, model, runtime or device, or counts below 1.
    """
    game, device = check_game(game), check_device(device)
    if min(num_envs, default=0) < 1 or repeats < 1:
        raise ValueError(
            f"num_envs and repeats must be at least 1, got {list(num_envs)}, {repeats}."
        )
    if oc_atari is not None:
        _oc_atari(oc_atari, game, "ram", 0.0)  # what is missing is said before all is measured
    rows: list[dict[str, Any]] = []
    for count in num_envs:
        makers = _makers(game, count, models, runtimes, device, peers)
        rows += _table(makers, count, seconds, repeats, seed)
    if oc_atari is not None:
        for mode in ("ram", "vision"):
            rates = [_oc_atari(oc_atari, game, mode, seconds) for _ in range(repeats)]
            rows.append(_row(Row(f"OC_Atari, {mode}", 1, iter(()), rates), None, None))
    return {
        **machine(device),
        "repeats": repeats,
        "seconds": seconds,
        "game": game,
        "models": [*models],
        "runtimes": [*runtimes],
        "rows": rows,
    }


def _makers(
    game: str,
    count: int,
    models: Sequence[str],
    runtimes: Sequence[str],
    device: str,
    peers: bool,
) -> dict[str, Callable[[], Any]]:
    """Returns what makes each row's envs; the reference comes first."""
    makers: dict[str, Callable[[], Any]] = {
        "raw ALE": partial(make_atari_vec, game, count),
        "ObjFrames": partial(gym.make_vec, f"ObjFrames-{game}-v0", count),
    }
    for model in models:
        perception = load_model(model, game, device=device)
        for runtime in runtimes:
            make = partial(
                gym.make_vec,
                f"ObjKeypoints-{game}-v0",
                count,
                model=perception,
                runtime=runtime,
            )
            makers[f"ObjKeypoints, {model}, {runtime}"] = make
            if device.startswith("cuda"):
                stays = partial(make, observation="device")
                makers[f"ObjKeypoints, {model}, {runtime}, on the device"] = stays
    if peers and count <= LARGEST_OF_PROCESSES:
        makers["SB3's AtariWrapper, SubprocVecEnv"] = partial(sb3_stack, game, count)
    return makers


def sb3_stack(game: str, count: int, seed: int = 0) -> VecEnv:
    """Returns what SB3's users play: its wrappers, a process for each env, four frames."""
    if (env_id := f"{game}NoFrameskip-v4") not in gym.registry:
        raise ValueError(
            f"SB3's own stack plays {env_id}, which ALE does not have: take another game."
        )
    env = make_atari_env(
        env_id,
        count,
        seed,
        vec_env_cls=SubprocVecEnv,
    )
    return VecFrameStack(env, 4)


def _table(
    makers: dict[str, Callable[[], Any]], count: int, seconds: float, repeats: int, seed: int
) -> list[dict[str, Any]]:
    table, grown, made = [], [], []
    try:
        for name, make in makers.items():
            before = resident_bytes()
            env = make()
            made.append(env)
            player = _play_sb3(env) if isinstance(env, VecEnv) else play(env, seed)
            table.append(Row(name, count, player))
            for _ in range(WARM_UP_STEPS):
                next(player)
            after = resident_bytes()
            grown.append(None if before is None or after is None else (after - before) / 1e6)
        take_turns(table, seconds, repeats)
    finally:
        for env in made:
            env.close()
    return [_row(row, table[0].rate, memory) for row, memory in zip(table, grown, strict=True)]


def _row(row: Row, raw: float | None, memory_mb: float | None) -> dict[str, Any]:
    return {
        "name": row.name,
        "num_envs": row.num_envs,
        "env_steps_per_second": row.rate,
        "ratio_to_raw": None if raw is None else row.rate / raw,
        "memory_mb": memory_mb,
        "turns": row.rates,
    }


def _play_sb3(env: VecEnv) -> Iterator[None]:
    env.reset()
    while True:
        env.step(np.array([env.action_space.sample() for _ in range(env.num_envs)]))
        yield


def _oc_atari(python: str | Path, game: str, mode: str, seconds: float) -> float:
    words = [str(python), "-c", OC_ATARI, game, mode, str(seconds)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", "") or str(error)
        raise ValueError(
            f"OC_Atari does not play in {python}: {why.strip().splitlines()[-1]}"
        ) from error
    return float(done.stdout.split()[-1])
