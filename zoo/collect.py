"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent.

    python zoo/collect.py --game MsPacman -n 20000
    python zoo/collect.py --game MsPacman --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/collect.py --game MsPacman --noise both --folder noisy

An interrupted recording goes on with the same command.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from objwrappers.command_line import run_program
from objwrappers.games import check_game
from objwrappers.pretraining.collect import collect, frames_folder


def main() -> None:
    """Records and says what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--game", required=True, help="as ids spell it, e.g. MsPacman")
    add("-n", "--num-frames", type=int, default=12_000)
    add("--folder", type=Path, help="default: in the user's cache")
    add("--num-envs", type=int, default=8)
    add("--seed", type=int, default=1)
    add(
        "--noise",
        default="none",
        help="bars on the recorded frames: vertical, horizontal, both; "
        "pretrain.py --noise draws its own on clean ones",
    )
    add("--algo", help="of a trained agent; default: a random policy")
    add("--env", help="id of the trained agent, e.g. ObjKeypoints-MsPacman-v0")
    add("-f", "--log-folder", default="logs", help="of the agent's training")
    options = parser.parse_args()
    agent = (options.algo, options.env, options.log_folder) if options.algo else None
    game = run_program(check_game, options.game)
    folder = options.folder or run_program(frames_folder, game, options.noise)
    count = run_program(
        collect,
        game,
        folder,
        options.num_frames,
        options.seed,
        options.num_envs,
        agent,
        noise=options.noise,
        progress=True,
    )
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{count} frames of {game} in {folder}, {size / count / 1024:.2f} KB each")
    where = f" --frames-folder {folder}" if options.folder or options.noise != "none" else ""
    print(f"Next: python zoo/pretrain.py --model motion --game {game}{where}")


if __name__ == "__main__":
    main()
