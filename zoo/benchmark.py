"""Measures env-steps per second: raw frames, stacked pixels, and keypoints.

    python zoo/benchmark.py --game MsPacman --num-envs 16 --json benchmark.json
    python zoo/benchmark.py --perception --num-threads 1

Each row plays the same game with random actions. The reference, ratio 1, is ALE's native vector
env with native RGB frames. Rows take turns, so that a busy machine slows all of them; the
figure of a row is the median of its turns. The last row is what perception at the vector env
saves: the same model, called by 16 single envs one after the other.

``--perception`` times the models alone, on batches of as many frames as there would be envs; the
reference is PermaKey as published.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from common import fail
from gymnasium.vector import SyncVectorEnv, VectorEnv

import objwrappers
from objwrappers.envs.atari import make_atari_vec
from objwrappers.files import write_atomically
from objwrappers.games import check_game
from objwrappers.perception.loading import (
    MODELS,
    check_device,
    load_model,
    model_class,
    model_presets,
)

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


def rows(game: str, num_envs: int, model: str, device: str, seed: int) -> list[Row]:
    """Makes every env of the table, warm; the reference comes first.

    Raises:
        FileNotFoundError: There are no weights of the model for the game.
    """
    perception = load_model(model, game=game, device=device)
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
    table = [Row(name, getattr(env, "num_envs", 1), play(env, seed)) for name, env in envs.items()]
    for row in table:
        for _ in range(WARM_UP_STEPS):
            next(row.player)
    return table


def look(model: torch.nn.Module, frames: torch.Tensor) -> Iterator[None]:
    """Perceives the same frames for ever, once for each item."""
    while True:
        with torch.inference_mode():
            percepts = model(frames)
        percepts["keypoints"].cpu()  # waits for a GPU
        yield


def perception_rows(batch: int, device: str) -> list[Row]:
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


def report(table: list[Row], options: argparse.Namespace) -> dict[str, Any]:
    """Returns the figures and what they were measured on."""
    reference = table[0].rate
    by_name = {row.name: row.rate for row in table}
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    figures = {
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else "cpu",
        "processor_cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "objwrappers": objwrappers.__version__,
        "repeats": options.repeats,
        "seconds": options.seconds,
    }
    if options.perception:
        times = [
            {
                "name": row.name,
                "ms_per_frame": 1000 / row.rate,
                "ratio_to_reference": row.rate / reference,
                "turns": row.rates,
            }
            for row in table
        ]
        return {**figures, "batch": options.num_envs, "reference": REFERENCE, "rows": times}
    return {
        **figures,
        "game": options.game,
        "model": options.model,
        "vector_over_single_envs": by_name["ObjKeypoints, vector"]
        / by_name["ObjKeypoints, single envs"],
        "rows": [
            {
                "name": row.name,
                "num_envs": row.num_envs,
                "env_steps_per_second": row.rate,
                "ratio_to_raw": row.rate / reference,
                "turns": row.rates,
            }
            for row in table
        ],
    }


def show(figures: dict[str, Any]) -> None:
    """Prints the table."""
    machine = f"{figures['processor_cores']} cores, {figures['torch_threads']} torch threads"
    if "batch" in figures:
        print(f"batches of {figures['batch']} frames on {figures['device']}, {machine}\n")
        print(f"{'':28}{'ms a frame':>12}{'times as fast':>15}")
        for row in figures["rows"]:
            print(f"{row['name']:28}{row['ms_per_frame']:>12.2f}{row['ratio_to_reference']:>15.1f}")
        return
    print(f"{figures['game']}, model {figures['model']} on {figures['device']}, {machine}\n")
    print(f"{'':28}{'envs':>6}{'env-steps/s':>14}{'of raw ALE':>12}")
    for row in figures["rows"]:
        print(
            f"{row['name']:28}{row['num_envs']:>6}{row['env_steps_per_second']:>14,.0f}"
            f"{row['ratio_to_raw']:>12.2f}"
        )
    ratio = figures["vector_over_single_envs"]
    print(f"\nKeypoints at the vector env are {ratio:.1f} times as fast as in single envs.")


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--perception", action="store_true", help="time the models alone")
    add("--game", default="MsPacman")
    add("--num-envs", type=int, default=16, help="envs of the vector rows")
    add("--model", default="motion", help="perception model of ObjKeypoints")
    add("--device", default="auto", help="of perception")
    add("--num-threads", type=int, default=-1, help="of torch (default: torch's own)")
    add("--seconds", type=float, default=2.0, help="length of a turn")
    add("--repeats", type=int, default=5, help="turns of each row")
    add("--seed", type=int, default=0)
    add("--json", metavar="FILE", help="write the figures here too")
    args = parser.parse_args()
    if args.num_envs < 1 or args.repeats < 1:
        fail("--num-envs and --repeats must be at least 1.")
    if args.num_threads > 0:
        torch.set_num_threads(args.num_threads)
    try:
        args.game = check_game(args.game)
        if args.perception:
            table = perception_rows(args.num_envs, args.device)
        else:
            table = rows(args.game, args.num_envs, args.model, args.device, args.seed)
    except (FileNotFoundError, ValueError) as error:
        fail(str(error))
    for _ in range(args.repeats):
        for row in table:
            row.turn(args.seconds)
    figures = report(table, args)
    show(figures)
    if args.json:
        path = Path(args.json)
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as file:
            file.write((json.dumps(figures, indent=2) + "\n").encode())
        print(f"Wrote {path}")


if __name__ == "__main__":
    main()
