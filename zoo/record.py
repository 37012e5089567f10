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
is found as zoo/enjoy.py finds it.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from objwrappers.agents.filming import film
from objwrappers.command_line import (
    add_agent_options,
    check_env_id,
    fail,
    import_packages,
    output_path,
    run_program,
)
from objwrappers.rendering.saliency import COLOURS
from objwrappers.rendering.video import SUFFIXES
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
    add(
        "-o",
        "--output",
        type=output_path,
        help=f"film, one of {' '.join(SUFFIXES)} (default: ENV.mp4)",
    )
    add("-n", "--n-timesteps", type=int, default=500, help="frames of the film")
    add("--fps", type=float, help="frames per second (default: the env's, 15)")
    add("--seed", type=int, default=0)
    add("-P", "--progress", action="store_true", help="show a progress bar")
    add = parser.add_argument_group("where an agent looks").add_argument
    methods: dict[str, Any] = {"nargs": "+", "choices": [*METHODS], "metavar": "METHOD"}
    add("--saliency", default=[], **methods, help=", ".join(METHODS))
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


def summary(returns: list[float]) -> str:
    """Lists a few returns; of many, tells the number and the mean."""
    if len(returns) > MANY:
        return f"{len(returns)}, mean {np.mean(returns):.1f}"
    return ", ".join(f"{value:g}" for value in returns) or "none ended"


def main() -> None:
    """Films, and says what was written."""
    options = vars(parse_arguments())
    import_packages(options.pop("gym_packages"))
    env_id, output, algo = (options.pop(name) for name in ("env", "output", "algo"))
    check_env_id(env_id)
    made = run_program(film, env_id, output, algo, **options)
    seconds = made.frames / made.fps
    print(f"Wrote {made.path}: {made.frames} frames, {seconds:.1f} s at {made.fps:g} fps.")
    for name, returns in made.players:
        print(f"Played by: {name}. Returns of its episodes: {summary(returns)}.")
    if algo == "random":
        print(f"Train an agent to film: python zoo/train.py --algo ppo --env {env_id}")


if __name__ == "__main__":
    main()
