"""Trains an agent to do what people did: imitation of Atari-HEAD, with where they looked.

    python zoo/clone.py --env ObjFrames-MsPacman-v0 --trials atari_head
    python zoo/clone.py --env ObjFrames-MsPacman-v0 --trials atari_head --method gabril
    python zoo/clone.py --env ObjFrames-MsPacman-v0 --trials atari_head --env-kwargs confounded:True

``--method`` says what becomes of gaze: nothing (plain), a lesson (cgl, gabril), or an input that a
gaze model foretells, in play, too (agil, channel, mask; train it by zoo/pretrain.py --family gaze).
``zoo/train.py --algo bc`` is the same program. The agent is one of PPO's: evaluate, enjoy and
record take it with ``--algo bc``, and ``zoo/train.py --algo ppo -i`` goes on with it.

What the agent foretells on frames kept for testing is printed beside what looks at no frame. A
training that was cut off goes on with the same command. Hyperparameters are those of
hyperparams/bc.yml; -params replaces them.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from objwrappers.agents.cloning import clone
from objwrappers.agents.demonstrations import SPLITS
from objwrappers.agents.runs import CONFIG_NAME, IMITATION, LOG_FOLDER
from objwrappers.command_line import (
    KeyValues,
    check_env_id,
    import_packages,
    output_folder,
    run_program,
)
from objwrappers.files import read_json
from objwrappers.sb3.cloning.networks import METHODS


def main() -> None:
    """Trains, prints the figures, and says what to run next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--algo", choices=[IMITATION], default=IMITATION, help=argparse.SUPPRESS
    )  # as zoo/train.py has it
    add("--env", required=True, help="env id, ObjFrames-MsPacman-v0")
    add("--trials", type=Path, required=True, help="Atari-HEAD's files, or a trial's recording")
    add("--method", choices=[*METHODS], help="what becomes of gaze (default: the file's)")
    add("--gaze-weights", help="of the gaze model (default: the game's)")
    add("--split", choices=SPLITS, default="auto", help="into training, validation and test")
    add("-n", "--n-timesteps", type=int, help="optimiser steps at most")
    add("-params", "--hyperparams", nargs="+", action=KeyValues, default={}, metavar="key:value")
    add("--env-kwargs", nargs="+", action=KeyValues, default={}, metavar="key:value")
    add("-conf", "--conf-file", type=Path, help="instead of hyperparams/bc.yml")
    add("-f", "--log-folder", type=output_folder, default=LOG_FOLDER)
    add("--seed", type=int, default=0)
    add("--device", default="auto", help="of perception and of the policy")
    add("-P", "--progress", action="store_true", help="show a bar")
    add("--gym-packages", nargs="+", default=[], help="packages that register envs")
    options = vars(parser.parse_args())
    import_packages(options.pop("gym_packages"))
    check_env_id(options["env"])
    del options["algo"]
    env_id, trials = options.pop("env"), options.pop("trials")
    command = shlex.join(["python", "zoo/clone.py", *sys.argv[1:]])
    archive = run_program(clone, env_id, trials, **options, command=command)
    config = read_json(archive.parent / CONFIG_NAME)
    print(f"Chosen after {config['validation']['step']} of {config['trained_timesteps']} steps.")
    print(f"{config['samples']['test']} frames for testing: accuracy, macro-F1, nats")
    for name, figures in config["test"].items():
        print("{:12} {accuracy:6.1%} {macro_f1:8.3f} {nll:8.3f}".format(name, **figures))
    print(f"Wrote the agent {archive}")
    agent = f"--algo {IMITATION} --env {env_id} -f {options['log_folder']}"
    print(f"Curves:   tensorboard --logdir {options['log_folder']}/tensorboard")
    print(f"Score it: python zoo/evaluate.py {agent}")
    given = [f"{name}:{value!r}" for name, value in options["env_kwargs"].items()]
    seen = f" --env-kwargs {shlex.join(given)}" if given else ""
    print(f"Go on:    python zoo/train.py --algo ppo --env {env_id}{seen} -i {archive}")


if __name__ == "__main__":
    main()
