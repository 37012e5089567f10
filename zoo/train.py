"""Trains an agent: RL Zoo's train program, on this package's vector envs.

    python zoo/train.py --algo ppo --env ObjKeypoints-MsPacman-v0

All options are RL Zoo's (``--help``). Ids of this package are played by their native vector
env, with one forward pass of perception for all envs; ``--vec-env`` does not matter to them.
By default their hyperparameters come from ``hyperparams/<algo>.yml``, TensorBoard logs go to
``<log folder>/tensorboard``, and ``--device`` is perception's too.

``--network cnn_sparse_fls`` (with ``ppo``, ``a2c``, ``dqn``, ``qrdqn``) is short for the policy of
:mod:`objwrappers.sb3.free_lunch.networks` with one of its fifteen networks, on pixels.

``-i agent.zip`` continues a training; that loads a pickle: only load agents you trust.

``--algo bc --trials atari_head`` imitates recorded human play: zoo/clone.py, whose options it has.
"""

from __future__ import annotations

import argparse
import runpy
import shlex
import sys
from pathlib import Path
from typing import Any

import rl_zoo3.train
from stable_baselines3.common.base_class import BaseAlgorithm

from objwrappers.agents.hyperparams import default_hyperparams
from objwrappers.agents.manager import VectorExperimentManager
from objwrappers.agents.runs import IMITATION, LOG_FOLDER
from objwrappers.command_line import (
    KeyValues,
    check_env_id,
    fail,
    import_packages,
    run_program,
)
from objwrappers.registration import family_of


class Manager(VectorExperimentManager):
    """Says what to do with an agent that was trained."""

    def setup_experiment(self) -> tuple[BaseAlgorithm, dict[str, Any]] | None:
        """Makes envs and agent, or ends the program with one message."""
        return run_program(super().setup_experiment)

    def save_trained_model(self, model: BaseAlgorithm) -> None:
        """Saves the agent."""
        super().save_trained_model(model)
        agent = f"--algo {self.algo} --env {self.env_name.gym_id} -f {self.log_folder}"
        print(f"\nWrote the agent {self.archive}")
        if self.tensorboard_log:
            print(f"Curves:   tensorboard --logdir {self.tensorboard_log}")
        print(f"Watch it: python zoo/enjoy.py {agent}")
        print(f"Film it:  python zoo/record.py {agent} -o {self.env_name}.mp4")


def main(arguments: list[str]) -> None:
    """Fills in this project's defaults and calls RL Zoo's program."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--algo", default="ppo")
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("-f", "--log-folder", default=LOG_FOLDER)
    parser.add_argument("-conf", "--conf-file")
    parser.add_argument("-tb", "--tensorboard-log")
    parser.add_argument("--gym-packages", nargs="+", default=[])
    parser.add_argument("-i", "--trained-agent")
    parser.add_argument("-n", "--n-timesteps", type=int, default=-1)
    options, _ = parser.parse_known_args(arguments)
    if options.algo == IMITATION:
        sys.argv[1:] = arguments
        runpy.run_path(str(Path(__file__).with_name("clone.py")), run_name="__main__")
        return
    Manager.command = shlex.join(["python", "zoo/train.py", *arguments])
    # Ours alone; RL Zoo's parser does not know it.
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--network", help="of free_lunch.networks, instead of the file's policy")
    added, arguments = own.parse_known_args(arguments)
    Manager.network = added.network

    if {"-h", "--help"} & set(arguments):
        print(own.format_help().replace("usage:", "beside RL Zoo's options:"))
    else:
        import_packages(options.gym_packages)
        check_env_id(options.env)
        _check_agent_and_steps(options)
        if family_of(options.env):
            if options.conf_file is None:
                file = run_program(default_hyperparams, options.algo)
                arguments = [*arguments, "--conf-file", str(file)]
            if options.tensorboard_log is None:
                folder = Path(options.log_folder) / "tensorboard"
                arguments = [*arguments, "--tensorboard-log", str(folder)]
    # RL Zoo's program reads these three where it stands, and takes no arguments.
    sys.argv[1:] = arguments
    rl_zoo3.train.StoreDict = KeyValues  # type: ignore[assignment,misc]
    rl_zoo3.train.ExperimentManager = Manager  # type: ignore[misc]
    rl_zoo3.train.train()


def _check_agent_and_steps(options: argparse.Namespace) -> None:
    agent, steps = options.trained_agent, options.n_timesteps
    if agent and not (agent.endswith(".zip") and Path(agent).is_file()):
        fail(f"-i {agent}: there is no such agent; give the .zip that a training wrote.")
    if steps != -1 and steps < 1:
        fail(f"-n must be at least 1, or -1 for the hyperparameters' own, got {steps}.")


if __name__ == "__main__":
    main(sys.argv[1:])
