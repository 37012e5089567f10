"""Watches a trained agent and prints the scores of its episodes.

    python zoo/enjoy.py --algo ppo --env ObjKeypoints-MsPacman-v0

The words are those of RL Zoo's enjoy program. Agents are looked for in ``logs`` by default. A
window opens only where there is a display and pygame; ``--no-render`` never opens one. In Atari
games actions are sampled unless ``--deterministic`` is given, as RL Zoo does for Atari;
value-based agents (DQN, QR-DQN, RecurrentDQN) take the best one.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

import numpy as np
import torch

from objwrappers.agents.loading import load_agent
from objwrappers.agents.runs import acts_greedily
from objwrappers.agents.watching import Game, Window, no_window, watch
from objwrappers.command_line import (
    add_agent_options,
    check_env_id,
    fail,
    import_packages,
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
    add("--reward-log", type=Path, help="folder for 0.monitor.csv, with every game")
    add("--num-threads", type=int, default=-1, help="of torch (default: torch's own)")
    add("--seed", type=int, default=0)
    add("--verbose", type=int, default=1, help="0 prints nothing")
    add("-P", "--progress", action="store_true", help="show a progress bar")
    args = parser.parse_args()
    if args.algo == "random":
        args.algo = "ppo"
    if args.n_timesteps < 1 or args.n_envs < 1:
        fail(f"-n and --n-envs must be at least 1, got {args.n_timesteps} and {args.n_envs}.")
    return args


def main() -> None:
    """Loads, plays and tells the scores."""
    args = parse_arguments()
    import_packages(args.gym_packages)
    check_env_id(args.env)
    if args.num_threads > 0:
        torch.set_num_threads(args.num_threads)
    reason = "" if args.no_render else no_window()
    if reason:
        print(f"No window: {reason}. Film the agent instead: python zoo/record.py")
    shown = not args.no_render and not reason
    agent, env = run_program(
        load_agent,
        args.algo,
        args.env,
        folder=args.folder,
        exp_id=args.exp_id,
        load_best=args.load_best,
        checkpoint=0 if args.load_last_checkpoint else args.load_checkpoint,
        num_envs=args.n_envs,
        env_kwargs=args.env_kwargs,
        render_mode="rgb_array" if shown else None,
        monitor_file=str(args.reward_log / "0.monitor.csv") if args.reward_log else None,
        seed=args.seed,
        device=args.device,
        trust=args.trust,
    )
    say = print if args.verbose > 0 else lambda _: None
    say(f"Loaded {agent.path}")
    greedy = args.deterministic or acts_greedily(args.algo, args.env)
    window = Window(args.env, env.metadata.get("render_fps") or 15) if shown else None
    games: list[Game] = []

    def tell(game: Game) -> None:
        games.append(game)
        say(f"Episode score {game.score:g}, length {game.length}")

    with contextlib.suppress(KeyboardInterrupt):
        watch(
            agent,
            env,
            args.n_timesteps,
            deterministic=greedy and not args.stochastic,
            show=window.show if window else None,
            on_game=tell,
            progress=args.progress,
        )
    if games:
        scores, lengths = zip(*((game.score, game.length) for game in games), strict=True)
        spread = f"{np.mean(scores):.2f} ± {np.std(scores):.2f}"
        say(f"{len(games)} episodes of {np.mean(lengths):.0f} steps, mean score {spread}")
    if window:
        window.close()
    env.close()


if __name__ == "__main__":
    main()
