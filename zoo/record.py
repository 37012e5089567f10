"""Films an env with what perception sees in it, played at random or by trained agents.

    python zoo/record.py --env ObjKeypoints-MsPacman-v0 -o mspacman.mp4
    python zoo/record.py --env ObjKeypoints-MsPacman-v0 --algo ppo -f logs -o agent.gif
    python zoo/record.py --env ObjFrames-Breakout-v0 --algo ppo --saliency attention perturbation

``--saliency`` shows where an agent on images looks, a column for each method and, of several
agents (``-f a b``), for each agent, which all play games of their own; below are its actions'
probabilities (Q-values of DQN and QR-DQN), its value and the score. An agent's own attention is
painted on the pixels that its cells see, and divided by how many see a pixel; the published
painting (``--painting published``) does not divide, which makes even a constant attention look
centred.

Frames go to the film one by one, so that its length costs no memory. With ``--algo`` the agent
is found as zoo/enjoy.py finds it. Agents are pickles in part, and loading one can run code: only
load agents you trust.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
from common import check_env_id, fail, import_packages
from players import (
    acts_greedily,
    add_agent_options,
    env_kwargs_of,
    find_agent,
    make_test_env,
)
from stable_baselines3.common.utils import set_random_seed
from tqdm import trange
from views import OwnView, Player, SaliencyView, View

from objwrappers.rendering.saliency import COLOURS, beside
from objwrappers.rendering.video import SUFFIXES, VideoWriter
from objwrappers.sb3.free_lunch.painting import PAINTINGS
from objwrappers.sb3.saliency import METHODS
from objwrappers.sb3.saliency.policy_outputs import TARGETS

LOOKS = ["painting", "target", "view", "colours", "zoom"]  # options that --saliency has
MANY = 20  # episodes whose returns are not listed one by one


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; the words are RL Zoo's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_agent_options(parser, several=True)
    add = parser.add_argument
    add("-o", "--output", help=f"film, one of {' '.join(SUFFIXES)} (default: ENV.mp4)")
    add("-n", "--n-timesteps", type=int, default=500, help="frames of the film")
    add("--fps", type=float, help="frames per second (default: the env's, 15)")
    add("--seed", type=int, default=0)
    add("-P", "--progress", action="store_true", help="show a progress bar")
    add = parser.add_argument_group("where an agent looks").add_argument
    add("--saliency", nargs="+", choices=[*METHODS], metavar="METHOD", help=", ".join(METHODS))
    add("--painting", nargs="+", choices=PAINTINGS, default=["covered"], help="of attention")
    add("--target", nargs="+", choices=TARGETS, default=["action"], help="whose saliency")
    add("--view", nargs="+", choices=["raw", "processed"], default=["raw"], help="from above")
    add("--colours", choices=[*COLOURS, "published"], default="inferno")
    add("--zoom", type=int, default=2, help="picture pixels per native pixel")
    args = parser.parse_args()
    idle = [name for name in LOOKS if getattr(args, name) != parser.get_default(name)]
    if idle and not args.saliency:
        fail(f"--{idle[0]} is of --saliency: give a method, one of {', '.join(METHODS)}.")
    return args


def make_players(args: argparse.Namespace) -> list[Player]:
    """Loads the agents of the command line, each with an env of its own and the same seed.

    Raises:
        FileNotFoundError: There is no such agent; the message says how to train one.
        ValueError: An env that an agent was not trained for, or a model that there is not.
    """
    deterministic = args.deterministic or acts_greedily(args.algo, args.env)
    wanted = [(folder, run) for folder in args.folder for run in args.exp_id]
    players = []
    for folder, run in wanted if args.algo != "random" else wanted[:1]:
        agent = find_agent(args, folder, run)
        env = make_test_env(args.env, agent, env_kwargs_of(args), args.seed)
        name = Path(folder).name + (f" {run}" if len(args.exp_id) > 1 else "")
        players.append(Player(name, env, agent, args.seed, deterministic))
    return players


def make_views(args: argparse.Namespace, players: list[Player]) -> list[tuple[Player, View]]:
    """Returns what to draw, from left to right.

    Without ``--saliency``: each env's own picture. With it: each player's columns, one for each
    method, target and painting of attention.
    """
    views: list[tuple[Player, View]] = []
    for player in players:
        if not args.saliency:
            title = player.name if len(players) > 1 else ""
            views.append((player, OwnView(title)))
        for method, target in itertools.product(args.saliency or (), args.target):
            for painting in args.painting if method == "attention" else [None]:
                several = [player.name] * (len(players) > 1), [target] * (len(args.target) > 1)
                parts = [*several[0], method, *several[1], *([painting] if painting else [])]
                options = {"painting": painting} if painting else {}
                look = (target, args.view, args.colours, args.zoom)
                views.append((player, SaliencyView(", ".join(parts), method, options, *look)))
    return views


def summary(returns: list[float]) -> str:
    """Lists a few returns; of many, tells the number and the mean."""
    if len(returns) > MANY:
        return f"{len(returns)}, mean {np.mean(returns):.1f}"
    return ", ".join(f"{value:g}" for value in returns) or "none ended"


def main() -> None:
    """Loads, films, and says what was written."""
    args = parse_arguments()
    import_packages(args.gym_packages)
    check_env_id(args.env)
    if args.n_timesteps < 1 or args.zoom < 1:
        fail(f"-n and --zoom must be at least 1, got {args.n_timesteps} and {args.zoom}.")
    if args.saliency and args.algo == "random":
        fail("--saliency is of a trained agent: give --algo, and -f if it is not in logs.")
    set_random_seed(args.seed)
    output = Path(args.output or f"{args.env}.mp4")
    try:
        players = make_players(args)
        views = make_views(args, players)
        rates: Any = [args.fps, players[0].env.metadata.get("render_fps"), 15]
        fps = float(next(rate for rate in rates if rate is not None))
        with VideoWriter(output, fps) as video:
            for _ in trange(args.n_timesteps, unit="frame", disable=not args.progress):
                video.append(beside([view.draw(player) for player, view in views]))
                for player in players:
                    player.step()
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        fail(str(error))
    print(f"Wrote {output}: {video.frames} frames, {video.frames / fps:.1f} s at {fps:g} fps.")
    for player in players:
        player.env.close()
        who = f"{args.algo} agent {player.agent.path}" if player.agent else "random policy"
        print(f"Played by: {who}. Returns of its episodes: {summary(player.returns)}.")
    if args.algo == "random":
        print(f"Train an agent to film: python zoo/train.py --algo ppo --env {args.env}")


if __name__ == "__main__":
    main()
