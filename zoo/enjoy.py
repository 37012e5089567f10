"""Watches a trained agent and prints the scores of its episodes.

    python zoo/enjoy.py --algo ppo --env ObjKeypoints-MsPacman-v0

The words are those of RL Zoo's enjoy program. Agents are looked for in ``logs`` by default. A
window opens only where there is a display and pygame; ``--no-render`` never opens one. In Atari
games actions are sampled unless ``--deterministic`` is given, as RL Zoo does for Atari;
value-based agents (DQN, QR-DQN, RecurrentDQN) take the best one.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from objwrappers.agents.watching import no_window, watch
from objwrappers.command_line import (
    add_agent_options,
    check_env_id,
    import_packages,
    output_folder,
    run_program,
)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; the words are RL Zoo's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser)
    add = parser.add_argument
    add("-n", "--n-timesteps", type=int, default=1000, help="steps")
    add("--n-envs", type=int, default=1, help="games side by side; the first is shown")
    add("--load-checkpoint", type=int, metavar="STEPS", help="the agent of so many steps")
    add("--load-last-checkpoint", action="store_true", help="the newest one")
    add("--stochastic", action="store_true", help="sample actions")
    add("--no-render", action="store_true", help="open no window")
    add("--reward-log", type=output_folder, help="folder for 0.monitor.csv, with every game")
    add("--num-threads", type=int, default=-1, help="of torch (default: torch's own)")
    add("--seed", type=int, default=0)
    add("--verbose", type=int, default=1, help="0 prints nothing")
    add("-P", "--progress", action="store_true", help="show a progress bar")
    parser.set_defaults(algo="ppo")
    return parser.parse_args()


def main() -> None:
    """Loads, plays and tells the scores."""
    args = parse_arguments()
    import_packages(args.gym_packages)
    check_env_id(args.env)
    if args.num_threads > 0:
        torch.set_num_threads(args.num_threads)
    if not args.no_render and (reason := no_window()):
        print(f"No window: {reason}. Film the agent instead: python zoo/record.py")
    say = print if args.verbose > 0 else lambda _: None
    games = run_program(
        watch,
        args.env,
        args.algo,
        n_timesteps=args.n_timesteps,
        num_envs=args.n_envs,
        window=not args.no_render,
        deterministic=True if args.deterministic else False if args.stochastic else None,
        seed=args.seed,
        env_kwargs=args.env_kwargs,
        on_load=lambda agent: say(f"Loaded {agent.path or agent.name}"),
        on_game=lambda game: say(f"Episode score {game.score:g}, length {game.length}"),
        progress=args.progress,
        folder=args.folder,
        exp_id=args.exp_id,
        load_best=args.load_best,
        checkpoint=0 if args.load_last_checkpoint else args.load_checkpoint,
        monitor_file=str(args.reward_log / "0.monitor.csv") if args.reward_log else None,
        device=args.device,
        trust=args.trust,
    )
    if games:
        scores = [game.score for game in games]
        steps = np.mean([game.length for game in games])
        spread = f"{np.mean(scores):.2f} ± {np.std(scores):.2f}"
        say(f"{len(games)} episodes of {steps:.0f} steps, mean score {spread}")


if __name__ == "__main__":
    main()
