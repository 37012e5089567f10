"""Steps and frames per second: raw frames, stacked pixels, keypoints, scenes, and models alone.

* :func:`env_speed`: envs, as shares of ALE's native vector env with native RGB frames
* :func:`model_speed`: models in each of their presets, as multiples of PermaKey as published

Rows take turns, so that a busy machine slows all of them; the figure of a row is the median of its
turns.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from gymnasium.vector import SyncVectorEnv, VectorEnv

import objwrappers
from objwrappers.envs.atari import make_atari_vec
from objwrappers.games import check_game
from objwrappers.perception.base import PerceptionModel
from objwrappers.perception.loading import (
    MODELS,
    check_device,
    load_model,
    model_class,
    model_of,
    model_presets,
)
from objwrappers.perception.runtime import Network

__all__ = ["env_speed", "model_speed"]

REFERENCE = "permakey, published"
WARM_UP_STEPS = 10


@dataclass
class Row:
    """One way to play.

    Attributes:
        name: What the table says.
        num_envs: Envs in it.
        player: Plays one step of all envs each time it is asked for the next item.
        rates: Env-steps per second, one for each turn.
    """

    name: str
    num_envs: int
    player: Iterator[None]
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Median env-steps per second."""
        return statistics.median(self.rates)

    def turn(self, seconds: float) -> None:
        """Plays for about so many seconds and notes the rate."""
        steps = 0
        start = time.perf_counter()
        while (now := time.perf_counter()) - start < seconds or steps == 0:
            next(self.player)
            steps += 1
        self.rates.append(steps * self.num_envs / (now - start))


def play(env: gym.Env | VectorEnv, seed: int) -> Iterator[None]:
    """Plays with random actions for ever, one step for each item."""
    vector = isinstance(env, VectorEnv)
    env.action_space.seed(seed)
    env.reset(seed=seed)
    while True:
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if not vector and (terminated or truncated):
            env.reset()
        yield


def env_rows(
    game: str,
    num_envs: int,
    model: str,
    device: str,
    seed: int,
    scenes: Sequence[str | Path] = (),
    player: bool = False,
) -> list[Row]:
    """Makes every env of the table, warm; the reference comes first.

    Raises:
        FileNotFoundError: There are no weights of a model for the game.
        ValueError: No such model, or weights that are not of scenes.
    """
    perception = load_model(model, game=game, device=device)
    seers = {str(scene): load_scene(scene, game, device) for scene in scenes}
    frames, keypoints = f"ObjFrames-{game}-v0", f"ObjKeypoints-{game}-v0"
    one_by_one: list[Callable[[], gym.Env]] = [
        lambda: gym.make(keypoints, model=perception, disable_env_checker=True)
    ] * num_envs
    envs: dict[str, gym.Env | VectorEnv] = {
        "raw ALE, vector": make_atari_vec(game, num_envs),
        "ObjFrames, one env": gym.make(frames, disable_env_checker=True),
        "ObjFrames, vector": gym.make_vec(frames, num_envs=num_envs),
        "ObjKeypoints, one env": one_by_one[0](),
        "ObjKeypoints, vector": gym.make_vec(keypoints, num_envs=num_envs, model=perception),
        "ObjKeypoints, single envs": SyncVectorEnv(one_by_one),
    }
    for name, seer in seers.items():
        scene_env = gym.make_vec(f"ObjScene-{game}-v0", num_envs=num_envs, model=seer)
        envs[f"ObjScene, {name}, vector"] = scene_env
    if player:
        seen: dict[str, Any] = {"relations": True, "map": True}
        looks: dict[str, dict[str, Any]] = {"second look": {"refine": True}}
        for name, options in {**looks, "relations and map": seen}.items():
            made = gym.make_vec(keypoints, num_envs=num_envs, model=perception, **options)
            envs[f"ObjKeypoints, {name}, vector"] = made
        for name, seer in seers.items():
            made = gym.make_vec(f"ObjScene-{game}-v0", num_envs=num_envs, model=seer, **seen)
            envs[f"ObjScene, {name}, relations and map, vector"] = made
    table = [Row(name, getattr(env, "num_envs", 1), play(env, seed)) for name, env in envs.items()]
    for row in table:
        for _ in range(WARM_UP_STEPS):
            next(row.player)
    return table


def load_scene(scene: str | Path, game: str, device: str = "auto") -> PerceptionModel:
    """Loads a scene model by its name, or from a folder of weights.

    Raises:
        FileNotFoundError: There are no weights of it for the game.
        ValueError: No such model, or weights that are not of scenes.
    """
    if not Path(scene).is_dir():
        return load_model(str(scene), game, device=device, family="scenes")
    return load_model(model_of(scene), game, scene, device, family="scenes")


def look(model: Network, frames: torch.Tensor) -> Iterator[None]:
    """Perceives the same frames for ever, once for each item."""
    while True:
        with torch.inference_mode():
            percepts = model(frames)
        percepts["keypoints"].cpu()  # waits for a GPU
        yield


def model_rows(batch: int, device: str) -> list[Row]:
    """Makes every model in each of its presets, untrained, K = 10; the reference comes first.

    Raises:
        ValueError: There is no such device.
    """
    device = check_device(device)
    frames = torch.randint(256, (batch, 210, 160, 3), dtype=torch.uint8, device=device)
    table = []
    for name in MODELS:
        for preset, arguments in (model_presets(name) or {"": {}}).items():
            model = model_class(name)(**{"num_keypoints": 10, **arguments}).eval()
            model = model.to(device=device, memory_format=torch.channels_last)
            label = f"{name}, {preset}" if preset else name
            table.append(Row(label, batch, look(model, frames)))
            next(table[-1].player)
    return sorted(table, key=lambda row: row.name != REFERENCE)


def env_speed(
    game: str = "MsPacman",
    num_envs: int = 16,
    *,
    model: str = "motion",
    scenes: Sequence[str | Path] = (),
    player: bool = False,
    device: str = "auto",
    seconds: float = 2.0,
    repeats: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Plays with random actions; "single envs" is the keypoints' model called by one after another.

    Args:
        game: ``"MsPacman"``.
        num_envs: Of the vector rows.
        model: Perception model of ObjKeypoints.
        scenes: Perception models of ObjScene, tracked, by name or as folders of weights; each is a
            row of its own.
        player: Rows of keypoints that look a second time, and of keypoints and scenes with
            relations to the player and the map around it.
        device: Of perception.
        seconds: Length of a turn.
        repeats: Turns of each row.
        seed: Of the games.

    Returns:
        The machine and the options; ``rows``, each with ``name``, ``num_envs``,
        ``env_steps_per_second``, ``ratio_to_raw`` and its ``turns``;
        ``vector_over_single_envs``.

    Raises:
        FileNotFoundError: There are no weights of a model for the game.
        ValueError: No such game, model or device, weights that are not of scenes, or counts below
            1.
    """
    game = check_game(game)
    check_counts(num_envs, repeats)
    table = env_rows(game, num_envs, model, device, seed, scenes, player)
    take_turns(table, seconds, repeats)
    by_name = {row.name: row.rate for row in table}
    return {
        **machine(device),
        "repeats": repeats,
        "seconds": seconds,
        "game": game,
        "model": model,
        "scenes": [str(scene) for scene in scenes],
        "vector_over_single_envs": by_name["ObjKeypoints, vector"]
        / by_name["ObjKeypoints, single envs"],
        "rows": [
            {
                "name": row.name,
                "num_envs": row.num_envs,
                "env_steps_per_second": row.rate,
                "ratio_to_raw": row.rate / table[0].rate,
                "turns": row.rates,
            }
            for row in table
        ],
    }


def model_speed(
    batch: int = 16, *, device: str = "auto", seconds: float = 2.0, repeats: int = 5
) -> dict[str, Any]:
    """Times the models alone, untrained, on batches of native frames.

    Args:
        batch: Frames at once.
        device: Where they run.
        seconds: Length of a turn.
        repeats: Turns of each row.

    Returns:
        The machine and the options; ``rows``, each with ``name``, ``ms_per_frame``,
        ``ratio_to_reference`` and its ``turns``.

    Raises:
        ValueError: No such device, or counts below 1.
    """
    check_counts(batch, repeats)
    table = model_rows(batch, device)
    take_turns(table, seconds, repeats)
    return {
        **machine(device),
        "repeats": repeats,
        "seconds": seconds,
        "batch": batch,
        "reference": REFERENCE,
        "rows": [
            {
                "name": row.name,
                "ms_per_frame": 1000 / row.rate,
                "ratio_to_reference": row.rate / table[0].rate,
                "turns": row.rates,
            }
            for row in table
        ],
    }


def check_counts(count: int, repeats: int) -> None:
    """Raises ValueError if there are fewer than one."""
    if count < 1 or repeats < 1:
        raise ValueError(f"--num-envs and --repeats must be at least 1, got {count}, {repeats}.")


def take_turns(table: list[Row], seconds: float, repeats: int) -> None:
    """Lets all rows play in turn, as often as that."""
    for _ in range(repeats):
        for row in table:
            row.turn(seconds)


def machine(device: str) -> dict[str, Any]:
    """Returns what the figures hang on: device, cores, threads, versions."""
    on_gpu = check_device(device).startswith("cuda")
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "processor_cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "objwrappers": objwrappers.__version__,
    }
