"""Scores of agents, or of the random policy: whole games, not clipped.

:func:`evaluate`: agents and seeds → :class:`Evaluation`. Seed s plays the games of the env seeds
s·N to s·N + N - 1, where N is the number of envs. Each env plays its share of the episodes, so that
short games are not preferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_sb3 import EnvironmentName
from stable_baselines3.common.utils import set_random_seed

from objwrappers.agents.loading import load_agent
from objwrappers.agents.players import EpsilonGreedy
from objwrappers.agents.quota import Games, play_quota
from objwrappers.agents.runs import (
    LOG_FOLDER,
    acts_greedily,
    folder_with_agents,
    runs_with_agents,
)
from objwrappers.metrics.scores import interquartile_mean

__all__ = ["FIRST_SEED", "Evaluation", "evaluate", "summarise"]

FIRST_SEED = 62_500
RESAMPLES = 2_000


@dataclass(frozen=True)
class Evaluation:
    """What agents scored.

    Attributes:
        agents: Path of each agent, or ``"random"``.
        games: What each agent played from each seed.
    """

    agents: list[str]
    games: list[list[Games]]

    @property
    def scores(self) -> np.ndarray:
        """(P, S, E), of P agents, S seeds and E episodes."""
        return np.array([[games.scores for games in row] for row in self.games])

    @property
    def summary(self) -> dict[str, Any]:
        """See :func:`summarise`."""
        return summarise(self.scores)

    def flat(self, name: str) -> list[Any]:
        """Returns one attribute of all :class:`Games` as a list: agents, seeds, episodes."""
        return [value for row in self.games for games in row for value in getattr(games, name)]


def evaluate(
    env_id: str,
    algo: str = "random",
    *,
    folder: str | Path | Sequence[str | Path] = LOG_FOLDER,
    exp_id: int | Sequence[int] = 0,
    all_runs: bool = False,
    load_best: bool = False,
    episodes: int = 48,
    num_envs: int = 16,
    seeds: int | Sequence[int] = FIRST_SEED,
    epsilon: float = 0.0,
    deterministic: bool = False,
    device: str = "auto",
    env_kwargs: dict[str, Any] | None = None,
    trust: bool = False,
) -> Evaluation:
    """Plays whole games from seeds that training does not see.

    Args:
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``, or ``"random"``.
        folder: Log folders, one or several: independent trainings.
        exp_id: Runs in each of them; 0 is the latest.
        all_runs: All runs there, whatever ``exp_id``.
        load_best: The best agents of the evaluations instead of the last ones.
        episodes: Of each agent and seed.
        num_envs: Envs side by side, N.
        seeds: Of the episodes.
        epsilon: Share of actions that are random.
        deterministic: The likeliest action instead of sampling.
        device: Of perception and of the policy.
        env_kwargs: On top of those of the training.
        trust: See :func:`~objwrappers.agents.loading.load_agent`.

    Raises:
        FileNotFoundError: A folder without such an agent.
        ValueError: Counts below 1, a negative seed, a share outside [0, 1], a damaged agent.
    """
    folders = [folder] if isinstance(folder, str | Path) else list(folder)
    runs = [exp_id] if isinstance(exp_id, int) else list(exp_id)
    seeds = [seeds] if isinstance(seeds, int) else list(seeds)
    _check(episodes, num_envs, seeds, epsilon)
    wanted = [
        (where, run)
        for where in folders
        for run in (_all_runs(algo, env_id, where, load_best) if all_runs else runs)
    ]
    names, played = [], []
    for where, run in wanted if algo != "random" else wanted[:1]:
        row = []
        for seed in seeds:
            agent, env = load_agent(
                algo,
                env_id,
                folder=where,
                exp_id=run,
                load_best=load_best,
                num_envs=num_envs,
                env_kwargs=env_kwargs,
                seed=seed * num_envs,
                device=device,
                trust=trust,
            )
            set_random_seed(seed)  # an agent's own samples
            predict = agent.predict
            if epsilon:
                predict = EpsilonGreedy(predict, env, epsilon, seed).predict
            greedy = deterministic or acts_greedily(algo, env_id)
            with closing(env):
                row.append(play_quota(predict, env, episodes, greedy))
        names.append(str(agent.path or "random"))
        played.append(row)
    return Evaluation(names, played)


def _check(episodes: int, num_envs: int, seeds: Sequence[int], epsilon: float) -> None:
    if episodes < 1 or num_envs < 1:
        raise ValueError(
            f"episodes and num_envs must be at least 1, got {episodes} and {num_envs}."
        )
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon is a share, from 0 to 1, got {epsilon}.")
    if min(seeds) < 0:
        raise ValueError(f"seeds must not be negative, got {min(seeds)}.")


def _all_runs(algo: str, env_id: str, folder: str | Path, load_best: bool) -> list[int]:
    archive = "best_model.zip" if load_best else f"{EnvironmentName(env_id)}.zip"
    where = folder_with_agents(algo, env_id, folder, archive)
    # 0 is missing there, too, and says how to train one.
    return runs_with_agents(algo, env_id, where, archive) or [0]


def summarise(scores: np.ndarray) -> dict[str, Any]:
    """Summarises scores.

    Args:
        scores: (P, S, E), of P agents, S seeds and E episodes.

    Returns:
        ``mean``, ``standard_error`` (of the episodes), ``median``, ``iqm``, the interquartile mean
        of all episodes (Agarwal et al. 2021 take that of runs; here are too few to leave a quarter
        of them out), ``iqm_interval`` (95 %, agents and episodes resampled), ``agents`` (mean of
        each), ``seed_means`` (mean of each seed), ``median_over_seeds`` and ``std_of_median``: that
        seed's mean over agents and the root of the agents' mean variance; with an even number the
        lower of the middle two.
    """
    rng = np.random.default_rng(0)
    agents, _, episodes = scores.shape
    resampled = []
    for _ in range(RESAMPLES if scores.size > 1 else 0):
        chosen = scores[rng.integers(agents, size=agents)].reshape(agents, -1)
        columns = rng.integers(chosen.shape[1], size=chosen.shape)
        resampled.append(interquartile_mean(np.take_along_axis(chosen, columns, axis=1)))
    seed_means = scores.mean((0, 2))
    middle = int(np.argsort(seed_means)[(len(seed_means) - 1) // 2])
    variances = scores[:, middle].var(-1)
    several = scores.size > 1
    return {
        "mean": float(scores.mean()),
        "standard_error": float(scores.std(ddof=1) / np.sqrt(scores.size)) if several else None,
        "median": float(np.median(scores)),
        "iqm": interquartile_mean(scores),
        "iqm_interval": np.percentile(resampled, [2.5, 97.5]).tolist() if several else None,
        "agents": scores.mean((1, 2)).tolist(),
        "seed_means": seed_means.tolist(),
        "median_over_seeds": float(seed_means[middle]),
        "std_of_median": float(np.sqrt(variances.mean())) if episodes > 1 else None,
    }
