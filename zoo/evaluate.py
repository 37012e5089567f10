"""Evaluates a trained agent, or the random policy, on the game's own score.

    python zoo/evaluate.py --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/evaluate.py --algo random --env ObjKeypoints-MsPacman-v0

Whole games, unclipped scores, seeds that training does not see, as many episodes from each env.
Agents are pickles in part, and loading one can run code: only load agents you trust.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from common import (
    LOG_FOLDER,
    RandomPolicy,
    check_env_id,
    fail,
    import_packages,
    is_atari,
    is_ours,
    load_agent,
    make_vec_env,
    takes_device,
)
from rl_zoo3.utils import ALGOS, StoreDict
from stable_baselines3.common.evaluation import evaluate_policy

from objwrappers.files import write_atomically

FIRST_SEED = 1_000_000


def main() -> None:
    """Plays, prints the mean score, and writes JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--algo", required=True, choices=["random", *ALGOS])
    add("--env", required=True, help="env id, ObjKeypoints-MsPacman-v0")
    add("-f", "--folder", default=LOG_FOLDER, help="log folder of the agent's training")
    add("--exp-id", type=int, default=0, help="run of the training (default: the latest)")
    add("--load-best", action="store_true", help="the best model instead of the last one")
    add("--deterministic", action="store_true", help="the likeliest action instead of sampling")
    add("--episodes", type=int, default=48)
    add("--num-envs", type=int, default=16)
    add("--seed", type=int, default=FIRST_SEED)
    add("--device", default="auto")
    add("--env-kwargs", nargs="+", action=StoreDict, default={}, help="key:value ...")
    add("--json", type=Path, help="file to write the scores to")
    args = parser.parse_args()
    import_packages([])
    check_env_id(args.env)
    if not is_ours(args.env):
        fail(f"{args.env} is not an id of objwrappers.")
    env_kwargs = dict(args.env_kwargs)
    if takes_device(args.env):
        env_kwargs.setdefault("device", args.device)
    try:
        agent = None
        if args.algo != "random":
            agent = load_agent(
                args.algo,
                args.env,
                args.folder,
                args.exp_id,
                args.load_best,
                args.device,
                args.seed,
            )
        env = make_vec_env(args.env, agent, args.num_envs, env_kwargs)
    except (FileNotFoundError, TypeError, ValueError) as error:
        fail(str(error))
    env.seed(args.seed)
    scores, lengths = evaluate_policy(
        agent.model if agent else RandomPolicy(env, args.seed),  # type: ignore[arg-type]
        env,
        n_eval_episodes=args.episodes,
        deterministic=args.deterministic or not is_atari(args.env),
        return_episode_rewards=True,
    )
    assert isinstance(scores, list)
    deviation = np.std(scores, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else float("nan")
    print(
        f"{args.env}, {args.algo}: mean score {np.mean(scores):.1f} ± {deviation:.1f} "
        f"(standard error), median {np.median(scores):.1f}, "
        f"{len(scores)} episodes of {np.mean(lengths):.0f} steps"
    )
    if args.json:
        with write_atomically(args.json) as file:
            values = {"scores": np.array(scores).tolist(), "lengths": np.array(lengths).tolist()}
            result = {"options": vars(args), **values}
            file.write(json.dumps(result, default=str, indent=1).encode())
        print(f"Wrote {args.json}")


if __name__ == "__main__":
    main()
