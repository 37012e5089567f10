"""Compares methods of saliency on what a trained agent sees, by figures and on a sheet.

    python zoo/compare_saliency.py --algo ppo --env ObjFrames-Breakout-v0 -o saliency.png

The agent plays; some of its observations are kept. For each method are printed:

* ``deletion``, ``insertion``: area under the curve of the probability of the agent's action, the
  more of the most salient pixels are blurred (less is better), or are given back (more is better)
* ``like random``: Spearman's rank correlation with the maps of the same network once its outputs,
  and once all its weights, are random; a method that shows what was learnt is far from 1, but for
  the network's own attention, which does not depend on its outputs
* ``ms``: time of one observation

next to two maps that know nothing of the agent: ``noise``, blurred, and ``edges``, how much the
newest frame differs from its blurred self. The sheet shows the first observations, each map on a
scale of its own.

Agents are pickles in part, and loading one can run code: only load agents you trust.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from common import check_env_id, fail, import_packages, is_ours
from players import Agent, acts_greedily, add_agent_options, env_kwargs_of, find_agent, make_vec_env
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import set_random_seed
from torch import Tensor

from objwrappers.files import write_atomically
from objwrappers.rendering.saliency import COLOURS, RunningScale, below, beside, blend, titled
from objwrappers.sb3.saliency import METHODS, saliency
from objwrappers.sb3.saliency.checks import deletion, insertion, randomisation
from objwrappers.sb3.saliency.perturbation import blur
from objwrappers.sb3.saliency.policy_outputs import TARGETS, Outputs, prepare

NUM_ENVS = 8
STEPS_BETWEEN = 50  # of observations that are kept
BLUR_SIGMA = 5.0  # pixels, of the baselines
CELL = 168  # pixels, of the sheet

Method = Callable[[BasePolicy, Any], Tensor]


@dataclass(frozen=True)
class Figures:
    """What one method is worth; means of the observations, NaN where it is not defined."""

    deletion: float
    insertion: float
    like_random_outputs: float
    like_random_weights: float
    milliseconds: float


def collect(agent: Agent, args: argparse.Namespace) -> Tensor:
    """Plays, and returns observations, float32 (N, C, H, W)."""
    env = make_vec_env(args.env, agent, NUM_ENVS, env_kwargs_of(args))
    env.seed(args.seed)
    set_random_seed(args.seed)
    observation: Any = env.reset()
    kept: list[Tensor] = []
    greedy = args.deterministic or acts_greedily(args.algo, args.env)
    for step in range(1, STEPS_BETWEEN * -(-args.observations // NUM_ENVS) + 1):
        actions, _ = agent.model.predict(observation, deterministic=greedy)
        observation, *_ = env.step(actions)
        if step % STEPS_BETWEEN == 0:
            kept.append(prepare(agent.model.policy, observation))
    env.close()
    return torch.cat(kept)[: args.observations]


def noise(policy: BasePolicy, observations: Any, seed: int = 0) -> Tensor:
    """Returns blurred noise, (N, H, W)."""
    images = prepare(policy, observations)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(images[:, :1].shape, generator=generator).to(images)
    found = blur(drawn, BLUR_SIGMA)[:, 0]
    return found - found.amin((1, 2), keepdim=True)


def edges(policy: BasePolicy, observations: Any) -> Tensor:
    """Returns how much the newest frame differs from its blurred self, (N, H, W)."""
    newest = prepare(policy, observations)[:, -1:]
    return (newest - blur(newest, BLUR_SIGMA)).abs()[:, 0]


BASELINES: dict[str, Method] = {"noise": noise, "edges": edges}


def methods_of(names: list[str], policy: BasePolicy, observation: Tensor, target: str) -> Any:
    """Returns name → method: those asked for, otherwise all that the policy allows; baselines.

    Each has then run once, and its time can be taken.

    Raises:
        TypeError: A policy that no method is for.
        ValueError: A method that was asked for and that the policy does not allow.
    """
    found: dict[str, Method] = {}
    for name in names or METHODS:
        method = functools.partial(saliency, method=name, target=target)
        try:
            method(policy, observation)
        except ValueError:
            if names:
                raise
            continue
        found[name] = method
    return {**found, **BASELINES}


def now() -> float:
    """Returns the time in seconds, after what a GPU has been given to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def measure(policy: BasePolicy, observations: Tensor, method: Method, baseline: bool) -> Figures:
    """Measures a method; a baseline does not look at the weights, which need not be random."""
    begin = now()
    maps = method(policy, observations)
    milliseconds = 1000 * (now() - begin) / len(observations)
    like = [] if baseline else list(randomisation(policy, observations, method).values())
    return Figures(
        float(deletion(policy, observations, maps).area.mean()),
        float(insertion(policy, observations, maps).area.mean()),
        like[0] if like else float("nan"),
        like[-1] if like else float("nan"),
        milliseconds,
    )


def draw_sheet(
    policy: BasePolicy, observations: Tensor, methods: dict[str, Method], colours: str
) -> np.ndarray:
    """Returns a row for each observation, a column for each method, uint8 (H, W, 3)."""
    rows = []
    maps = {name: method(policy, observations).cpu().numpy() for name, method in methods.items()}
    for i, observation in enumerate(observations):
        newest = observation[-1].cpu().numpy().astype(np.uint8)
        size = (CELL, CELL)
        frame = cv2.resize(newest, size, interpolation=cv2.INTER_NEAREST)[..., None].repeat(3, -1)
        cells = [titled(frame, "frame")]
        for name, found in maps.items():
            cells.append(titled(blend(frame, RunningScale()(found[i]), colours), name))
        rows.append(beside(cells))
    return below(rows)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; the words are RL Zoo's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser)
    add = parser.add_argument
    add("--seed", type=int, default=0, help="of the games that are looked at")
    add("--observations", type=int, default=32, help="to measure on")
    add("--methods", nargs="+", choices=[*METHODS], default=[], metavar="METHOD", help="or all")
    add("--target", choices=TARGETS, default="action", help="whose saliency")
    add("--rows", type=int, default=4, help="observations on the sheet")
    add("--colours", choices=[*COLOURS], default="inferno")
    add("-o", "--output", type=Path, help="sheet, .png")
    add("--json", type=Path, help="file to write the figures to")
    args = parser.parse_args()
    if args.observations < 1 or args.rows < 1:
        fail(f"--observations and --rows must be at least 1, got {args.observations}, {args.rows}.")
    if args.output and args.output.suffix != ".png":
        fail(f"-o must end in .png, got {args.output}.")
    if args.algo == "random":
        fail("A random policy looks nowhere: give --algo, and -f if the agent is not in logs.")
    return args


def main() -> None:
    """Plays, measures, prints, draws."""
    args = parse_arguments()
    import_packages(args.gym_packages)
    check_env_id(args.env)
    if not is_ours(args.env):
        fail(f"{args.env} is not an id of objwrappers.")
    try:
        agent = find_agent(args)
        assert agent is not None
        policy = agent.model.policy
        Outputs(policy)  # refuses policies that are not on images
        observations = collect(agent, args)
        methods = methods_of(args.methods, policy, observations[:1], args.target)
    except (FileNotFoundError, TypeError, ValueError) as error:
        fail(str(error))
    print(f"{agent.path}, {len(observations)} observations")
    head = ("deletion", "insertion", "like random:", "outputs", "weights", "ms")
    print("{:<22}{:>10}{:>10}{:>14}{:>9}{:>9}{:>9}".format("", *head))
    found = {}
    for name, method in methods.items():
        found[name] = measure(policy, observations, method, name in BASELINES)
        cells = [value if np.isfinite(value) else None for value in asdict(found[name]).values()]
        shown = ["" if value is None else f"{value:.2f}" for value in cells]
        print("{:<22}{:>10}{:>10}{:>23}{:>9}{:>9}".format(name, *shown), flush=True)
    if args.json:
        figures = {name: asdict(one) for name, one in found.items()}
        with write_atomically(args.json) as file:
            file.write(
                json.dumps({"options": vars(args), "figures": figures}, default=str).encode()
            )
        print(f"Wrote {args.json}")
    if args.output:
        sheet = draw_sheet(policy, observations[: args.rows], methods, args.colours)
        _, data = cv2.imencode(".png", sheet[..., ::-1])
        with write_atomically(args.output) as file:
            file.write(data.tobytes())
        print(f"Wrote {args.output}")


if __name__ == "__main__":
    main()
