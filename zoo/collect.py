"""Records frames of a game for pretraining, lossless, by a random policy or a trained agent.

    python zoo/collect.py --game MsPacman -n 20000
    python zoo/collect.py --game MsPacman --algo ppo --env ObjKeypoints-MsPacman-v0 -f logs
    python zoo/collect.py --game MsPacman --noise both --folder noisy

An interrupted recording goes on with the same command.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from objwrappers.command_line import fail, run_program
from objwrappers.games import check_game
from objwrappers.pretraining.collect import agent_play, collect, next_command
from objwrappers.registration import task_of


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
    add("--exp-id", type=int, default=0, help="run of the agent (default: the latest)")
    add("--device", default="auto", help="of the agent")
    add("--trust", action="store_true", help="read agents that RL Zoo wrote: pickles, run as code")
    options = parser.parse_args()
    agent = None
    if options.algo:
        if task_of(str(options.env)) != run_program(check_game, options.game):
            fail(f"--env {options.env} is not an id of {options.game}.")
        agent = run_program(
            agent_play,
            options.algo,
            options.env,
            folder=options.log_folder,
            exp_id=options.exp_id,
            device=options.device,
            trust=options.trust,
        )
    recording = run_program(
        collect,
        options.game,
        options.folder,
        options.num_frames,
        seed=options.seed,
        num_envs=options.num_envs,
        noise=options.noise,
        agent=agent,
        progress=True,
    )
    count, size = recording.num_frames, recording.num_bytes / recording.num_frames / 1024
    print(f"{count} frames of {recording.task} in {recording.folder}, {size:.2f} KB each")
    print(f"Next: {next_command(recording)}")


if __name__ == "__main__":
    main()
