"""Evaluates trained agents, or the random policy, on the game's own score.

    python zoo/evaluate.py --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/evaluate.py --algo rdqn --env ObjKeypoints-MsPacman-v0 --all-runs --seeds 1 2 3
    python zoo/evaluate.py --algo random --env ObjKeypoints-MsPacman-v0

Whole games, unclipped scores, seeds that training does not see: seed s plays the games of the env
seeds s·N to s·N + N - 1, where N is the number of envs. Each env plays its share of the episodes,
so that short games are not preferred. Several agents (``-f``, ``--exp-id``, ``--all-runs``:
independent trainings) each play the episodes of every seed. Printed are the mean; the
interquartile mean with a 95 % bootstrap interval (Agarwal et al. 2021); and, over several seeds,
the median of their means as PermaKey reports it.

``--json results.json`` writes all of it: ``scores`` (agents, seeds, episodes), and as flat lists in
that order, env by env, free-lunch saliency's ``rewards``, ``lengths`` (agent steps),
``elapsed_time`` (seconds since the seed's first step) and ``done_per_env`` (episodes that each env
ended, not all of which count).

Agents are pickles in part, and loading one can run code: only load agents you trust.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
from common import check_env_id, fail, import_packages, is_ours
from players import (
    Agent,
    RandomPolicy,
    acts_greedily,
    add_agent_options,
    env_kwargs_of,
    find_agent,
    folder_with_agents,
    make_vec_env,
    runs_with_agents,
)
from quota import EpsilonGreedy, Games, play_quota
from stable_baselines3.common.utils import set_random_seed

from objwrappers.files import write_atomically

FIRST_SEED = 62_500
RESAMPLES = 2_000


def find_agents(args: argparse.Namespace) -> list[Agent | None]:
    """Loads the agents of the command line; ``[None]`` is the random policy.

    Raises:
        FileNotFoundError: A folder without such an agent.
    """
    if args.algo == "random":
        return [None]
    agents = []
    for given in args.folder:
        folder = folder_with_agents(args.algo, args.env, given, args.load_best)
        runs = args.exp_id
        if args.all_runs:
            runs = runs_with_agents(args.algo, args.env, folder, args.load_best)
        if not runs:
            raise FileNotFoundError(
                f"{folder} holds no {args.algo} agents of {args.env}. Train one: "
                f"python zoo/train.py --algo {args.algo} --env {args.env} -f {folder}"
            )
        agents += [find_agent(args, folder, run) for run in runs]
    return agents


def play(agent: Agent | None, args: argparse.Namespace, seed: int) -> Games:
    """Plays one agent's episodes from one seed."""
    env = make_vec_env(args.env, agent, args.num_envs, env_kwargs_of(args))
    env.seed(seed * args.num_envs)
    set_random_seed(seed)  # an agent's own samples
    policy: Any = agent.model if agent else RandomPolicy(env, seed)
    if args.epsilon:
        policy = EpsilonGreedy(policy, env, args.epsilon, seed)
    greedy = args.deterministic or acts_greedily(args.algo, args.env)
    games = play_quota(policy, env, args.episodes, greedy)
    env.close()
    return games


def interquartile_mean(scores: np.ndarray) -> float:
    """Mean of the middle half; a quarter of the values is left out at each end."""
    return float(scipy.stats.trim_mean(scores, 0.25, axis=None))


def summarise(scores: np.ndarray) -> dict[str, Any]:
    """Summarises scores.

    Args:
        scores: (P, S, E), of P agents, S seeds and E episodes.

    Returns:
        ``mean``, ``standard_error`` (of the episodes), ``median``, ``iqm``, ``iqm_interval`` (95 %,
        agents and episodes resampled), ``agents`` (mean of each), ``seed_means`` (mean of each
        seed), ``median_over_seeds`` and ``std_of_median``: that seed's mean over agents and the
        root of the agents' mean variance; with an even number the lower of the middle two.
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


def print_summary(args: argparse.Namespace, summary: dict[str, Any], lengths: np.ndarray) -> None:
    """Prints a line or a few."""
    several = summary["standard_error"] is not None
    spread = f" ± {summary['standard_error']:.1f} (standard error)" if several else ""
    print(
        f"{args.env}, {args.algo}: mean score {summary['mean']:.1f}{spread}, "
        f"median {summary['median']:.1f}, {lengths.size} episodes of {lengths.mean():.0f} steps"
    )
    if several:
        low, high = summary["iqm_interval"]
        print(f"interquartile mean {summary['iqm']:.1f} (95 % of resamples: {low:.1f}, {high:.1f})")
    if len(summary["agents"]) > 1:
        print("agents: " + ", ".join(f"{mean:.1f}" for mean in summary["agents"]))
    if len(summary["seed_means"]) > 1:
        spread = summary["std_of_median"]
        spread = "" if spread is None else f" ± {spread:.1f} (standard deviation)"
        print(f"median over seeds {summary['median_over_seeds']:.1f}{spread}")


def main() -> None:
    """Plays, prints the scores, and writes JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser, several=True)
    add = parser.add_argument
    add("--all-runs", action="store_true", help="all runs in the folders, whatever --exp-id")
    add("--episodes", type=int, default=48, help="of each agent and seed")
    add("--num-envs", type=int, default=16)
    add("--seeds", "--seed", type=int, nargs="+", default=[FIRST_SEED], help="of the episodes")
    add("--epsilon", type=float, default=0.0, help="share of actions that are random")
    add("--json", type=Path, help="file to write the scores to")
    args = parser.parse_args()
    import_packages(args.gym_packages)
    check_env_id(args.env)
    if not is_ours(args.env):
        fail(f"{args.env} is not an id of objwrappers.")
    if args.episodes < 1 or args.num_envs < 1:
        fail("--episodes and --num-envs must be at least 1.")
    if not 0 <= args.epsilon <= 1:
        fail(f"--epsilon is a share, from 0 to 1, got {args.epsilon}.")
    if min(args.seeds) < 0:
        fail(f"--seeds must not be negative, got {min(args.seeds)}.")
    args.seed = args.seeds[0]
    try:
        agents = find_agents(args)
        played = [[play(agent, args, seed) for seed in args.seeds] for agent in agents]
    except (FileNotFoundError, TypeError, ValueError) as error:
        fail(str(error))
    scores = np.array([[games.scores for games in row] for row in played])
    summary = summarise(scores)
    games = [games for row in played for games in row]
    lengths = [length for one in games for length in one.lengths]
    print_summary(args, summary, np.array(lengths))
    if args.json:
        with write_atomically(args.json) as file:
            result = {
                "options": vars(args),
                "paths": [str(agent.path) if agent else "random" for agent in agents],
                "summary": summary,
                "scores": scores.tolist(),
                "rewards": scores.flatten().tolist(),
                "lengths": lengths,
                "elapsed_time": [seconds for one in games for seconds in one.elapsed_time],
                "done_per_env": [count for one in games for count in one.done_per_env],
            }
            file.write(json.dumps(result, default=str, indent=1).encode())
        print(f"Wrote {args.json}")


if __name__ == "__main__":
    main()
