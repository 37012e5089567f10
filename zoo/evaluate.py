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
    RandomPolicy,
    add_agent_options,
    check_env_id,
    env_kwargs_of,
    fail,
    find_agent,
    import_packages,
    is_atari,
    is_ours,
    make_vec_env,
)
from stable_baselines3.common.evaluation import evaluate_policy

from objwrappers.files import write_atomically

FIRST_SEED = 1_000_000


def main() -> None:
    """Plays, prints the mean score, and writes JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser)
    add = parser.add_argument
    add("--episodes", type=int, default=48)
    add("--num-envs", type=int, default=16)
    add("--seed", type=int, default=FIRST_SEED)
    add("--json", type=Path, help="file to write the scores to")
    args = parser.parse_args()
    import_packages(args.gym_packages)
    check_env_id(args.env)
    if not is_ours(args.env):
        fail(f"{args.env} is not an id of objwrappers.")
    if args.episodes < 1 or args.num_envs < 1:
        fail("--episodes and --num-envs must be at least 1.")
    try:
        agent = find_agent(args)
        env = make_vec_env(args.env, agent, args.num_envs, env_kwargs_of(args))
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
    spread = ""
    if len(scores) > 1:
        spread = f" ± {np.std(scores, ddof=1) / np.sqrt(len(scores)):.1f} (standard error)"
    print(
        f"{args.env}, {args.algo}: mean score {np.mean(scores):.1f}{spread}, "
        f"median {np.median(scores):.1f}, {len(scores)} episodes of {np.mean(lengths):.0f} steps"
    )
    if args.json:
        with write_atomically(args.json) as file:
            values = {"scores": np.array(scores).tolist(), "lengths": np.array(lengths).tolist()}
            result = {"options": vars(args), **values}
            file.write(json.dumps(result, default=str, indent=1).encode())
        print(f"Wrote {args.json}")


if __name__ == "__main__":
    main()
