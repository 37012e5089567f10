"""Methods of saliency compared on what a trained agent sees.

:func:`compare_saliency`: an agent → :class:`Comparison`. For each method:

* deletion, insertion: area under the curve of the probability of the agent's action, the more of
  the most salient pixels are blurred (less is better), or are given back (more is better)
* likeness to random: Spearman's rank correlation with the maps of the same network once its
  outputs, and once all its weights, are random; a method that shows what was learnt is far from 1,
  but for the network's own attention, which does not depend on its outputs
* time of one observation

next to two maps that know nothing of the agent: ``noise``, blurred, and ``edges``, how much the
newest frame differs from its blurred self.

:func:`allowed_methods`: an agent's methods by their names
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from objwrappers.agents.loading import Agent, load_agent
from objwrappers.agents.runs import acts_greedily
from objwrappers.rendering.layout import fitted, sheet
from objwrappers.rendering.saliency import RunningScale, blend
from objwrappers.sb3.saliency import METHODS, saliency
from objwrappers.sb3.saliency.checks import deletion, insertion, randomisation
from objwrappers.sb3.saliency.perturbation import blur
from objwrappers.sb3.saliency.policy_outputs import Outputs, prepare

__all__ = ["Comparison", "Figures", "allowed_methods", "compare_saliency"]

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


@dataclass(frozen=True)
class Comparison:
    """Methods on the same observations.

    Attributes:
        path: The agent's archive.
        policy: Its policy.
        observations: float32 (N, C, H, W).
        methods: Name → method, baselines among them.
    """

    path: Path
    policy: BasePolicy
    observations: Tensor
    methods: dict[str, Method]

    def measure(self, name: str) -> Figures:
        """Measures one method."""
        return measure(self.policy, self.observations, self.methods[name], name in BASELINES)

    def sheet(self, rows: int, colours: str = "inferno") -> np.ndarray:
        """Returns a row for each of the first observations, a column for each method."""
        return draw_sheet(self.policy, self.observations[:rows], self.methods, colours)


def compare_saliency(
    algo: str,
    env_id: str,
    *,
    observations: int = 32,
    methods: Sequence[str] = (),
    target: str = "action",
    seed: int = 0,
    deterministic: bool = False,
    **agent_options: Any,
) -> Comparison:
    """Lets an agent play and keeps some of its observations, to compare methods on.

    Args:
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``.
        env_id: ``"ObjFrames-Breakout-v0"``.
        observations: N.
        methods: Of :data:`objwrappers.sb3.saliency.METHODS`; by default all that the policy allows.
        target: Whose saliency: ``"action"``, ``"value"``.
        seed: Of the games.
        deterministic: The likeliest action instead of sampling.
        **agent_options: Of :func:`~objwrappers.agents.loading.load_agent`.

    Raises:
        FileNotFoundError: There is no such agent.
        TypeError: A policy that no method is for.
        ValueError: A count below 1, the random policy, or a method that the policy does not allow.
    """
    if observations < 1:
        raise ValueError(f"observations must be at least 1, got {observations}.")
    if algo == "random":
        raise ValueError("A random policy looks nowhere: give --algo, and -f if not in logs.")
    agent, env = load_agent(algo, env_id, num_envs=NUM_ENVS, seed=seed, **agent_options)
    assert agent.policy is not None and agent.path is not None
    Outputs(agent.policy)  # refuses policies that are not on images
    greedy = deterministic or acts_greedily(algo, env_id)
    seen = collect(agent, env, observations, greedy)
    env.close()
    found = allowed_methods(methods, agent.policy, seen[:1], target)
    return Comparison(agent.path, agent.policy, seen, {**found, **BASELINES})


def collect(agent: Agent, env: VecEnv, count: int, greedy: bool) -> Tensor:
    """Plays, and returns observations, float32 (N, C, H, W)."""
    assert agent.policy is not None
    observation: Any = env.reset()
    kept: list[Tensor] = []
    for step in range(1, STEPS_BETWEEN * -(-count // NUM_ENVS) + 1):
        actions, _ = agent.predict(observation, deterministic=greedy)
        observation, *_ = env.step(actions)
        if step % STEPS_BETWEEN == 0:
            kept.append(prepare(agent.policy, observation))
    return torch.cat(kept)[:count]


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


def allowed_methods(
    names: Sequence[str],
    policy: BasePolicy,
    observation: Tensor,
    target: str,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Method]:
    """Returns name → method: those asked for, otherwise all that the policy allows.

    Each has then run once, and its time can be taken.

    Args:
        names: Of :data:`objwrappers.sb3.saliency.METHODS`.
        policy: On images.
        observation: (1, C, H, W), to try methods on.
        target: Whose saliency: ``"action"``, ``"value"``.
        options: Method's name → its options.

    Raises:
        TypeError: A policy that no method is for.
        ValueError: A method that was asked for and that the policy does not allow.
    """
    found: dict[str, Method] = {}
    for name in names or METHODS:
        own = (options or {}).get(name, {})
        method: Method = functools.partial(saliency, method=name, target=target, **own)
        try:
            method(policy, observation)
        except ValueError:
            if names:
                raise
            continue
        found[name] = method
    return found


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
    maps = {name: method(policy, observations).cpu().numpy() for name, method in methods.items()}
    rows = []
    for i, observation in enumerate(observations):
        frame = fitted(observation[-1].cpu().numpy().astype(np.uint8), CELL, CELL)
        rows.append([frame, *(blend(frame, RunningScale()(m[i]), colours) for m in maps.values())])
    return sheet(rows, heads=["frame", *maps])
