"""Trains an agent: RL Zoo's train program, on this package's vector envs.

    python zoo/train.py --algo ppo --env ObjKeypoints-MsPacman-v0

All options are RL Zoo's (``--help``). Ids of this package are played by their native vector
env, with one forward pass of perception for all envs; ``--vec-env`` does not matter to them.
By default their hyperparameters come from ``hyperparams/<algo>.yml`` of this repository,
TensorBoard logs go to ``<log folder>/tensorboard``, and ``--device`` is perception's too.

``--network cnn_sparse_fls`` (with ``ppo``, ``a2c``, ``dqn``, ``qrdqn``) is short for the policy of
:mod:`objwrappers.sb3.networks` with one of its fifteen networks, on pixels.

``-i agent.zip`` continues a training; that loads a pickle: only load agents you trust.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import rl_zoo3.train
import yaml
from common import (
    LOG_FOLDER,
    REPOSITORY,
    TRAINING_ONLY,
    KeyValues,
    check_env_id,
    fail,
    import_packages,
    is_ours,
    takes_device,
    without,
)
from huggingface_sb3 import EnvironmentName
from players import CONFIG_NAME, acts_greedily
from rl_zoo3.exp_manager import ExperimentManager
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from objwrappers.files import write_atomically
from objwrappers.sb3.monitor import GameMonitor
from objwrappers.sb3.vec_env import GymVecEnv

VERSIONED = ("objwrappers", "ale-py", "gymnasium", "stable-baselines3", "torch")
FREE_LUNCH_POLICIES = {
    "ppo": "objwrappers.sb3.policies.FLSPolicy",
    "a2c": "objwrappers.sb3.policies.FLSPolicy",
    "dqn": "objwrappers.sb3.policies.FLSQPolicy",
    "qrdqn": "objwrappers.sb3.policies.FLSQuantilePolicy",
}


class VectorExperimentManager(ExperimentManager):
    """RL Zoo's manager, with native vector envs for the ids of this package.

    Attributes:
        network: Name of a free-lunch network instead of the file's policy, or None.
        command: The program's arguments, for the record.
    """

    network: ClassVar[str | None] = None
    command: ClassVar[list[str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deterministic_eval = acts_greedily(self.algo, self.env_name.gym_id)

    def setup_experiment(self) -> tuple[BaseAlgorithm, dict[str, Any]] | None:
        """Makes envs and agent, or ends the program with one message and leaves no run behind."""
        try:
            return super().setup_experiment()
        except (AssertionError, FileNotFoundError, TypeError, ValueError) as error:
            self._remove_failed_run()
            if not str(error):
                raise
            fail(str(error))

    def read_hyperparameters(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Reads the hyperparameters of the id, else of its family (``ObjKeypoints``)."""
        env_name = self.env_name
        if self.config.endswith((".yml", ".yaml")):
            entries = yaml.safe_load(Path(self.config).read_text())
            family = env_name.gym_id.split("-")[0]
            if env_name.gym_id not in entries and family in entries:
                self.env_name = EnvironmentName(family)
            entry = entries.get(self.env_name.gym_id, {})
            if is_ours(env_name.gym_id) and self.env_kwargs:
                # RL Zoo forgets those of the file where the command line has any.
                self.env_kwargs = {**entry.get("env_kwargs", {}), **self.env_kwargs}
                self.args.env_kwargs = self.env_kwargs
        try:
            read = super().read_hyperparameters()
        finally:
            self.env_name = env_name
        for hyperparams in read if self.network else ():
            self._use_network(hyperparams)
        return read

    def _use_network(self, hyperparams: dict[str, Any]) -> None:
        if self.continue_training or self.optimize_hyperparameters:
            raise ValueError("--network goes neither with -i nor with -optimize.")
        if self.algo not in FREE_LUNCH_POLICIES:
            raise ValueError(
                f"--network is an option of {', '.join(FREE_LUNCH_POLICIES)}, not of {self.algo}."
            )
        given = hyperparams.get("policy_kwargs") or {}
        if isinstance(given, str):
            raise ValueError(f"--network needs policy_kwargs that are YAML, got {given!r}.")
        hyperparams["policy"] = FREE_LUNCH_POLICIES[self.algo]
        hyperparams["policy_kwargs"] = {**given, "network": self.network}

    def create_envs(self, n_envs: int, eval_env: bool = False, no_log: bool = False) -> VecEnv:
        """Makes the envs of training or evaluation; see RL Zoo.

        A hyperparameter ``env_wrapper`` wraps single envs, so it leads back to RL Zoo's way.
        """
        env_id = self.env_name.gym_id
        if not is_ours(env_id) or self.env_wrapper is not None:
            return super().create_envs(n_envs, eval_env, no_log)
        options = dict(self.env_kwargs)
        if eval_env and self.eval_env_kwargs:  # RL Zoo fills them from the command line only
            options = dict(self.eval_env_kwargs)
        if eval_env:
            options = without(options, TRAINING_ONLY)
        if takes_device(env_id):
            options.setdefault("device", str(self.device))
        vector_env = gym.make_vec(
            env_id, num_envs=n_envs, vectorization_mode="vector_entry_point", **options
        )
        env: VecEnv = GymVecEnv(vector_env)
        env.seed(self.seed)
        log_file = None if eval_env or no_log else str(Path(self.save_path) / "0.monitor.csv")
        env = GameMonitor(env, log_file, self.monitor_kwargs.get("info_keywords", ()))
        if self.vec_env_wrapper is not None:
            env = self.vec_env_wrapper(env)
        env = self._maybe_normalize(env, eval_env)
        if self.frame_stack is not None:
            env = VecFrameStack(env, self.frame_stack)
        return env

    def _save_config(self, saved_hyperparams: dict[str, Any]) -> None:
        super()._save_config(saved_hyperparams)
        self._saved_hyperparams = dict(saved_hyperparams)
        if self.continue_training:
            # RL Zoo leaves the agent's own policy as it is, whatever the file says.
            self._saved_hyperparams = {
                **without(self._saved_hyperparams, ("policy", "policy_kwargs")),
                "continued_from": self.trained_agent,
            }
        self._write_config(0, {})

    def _write_config(self, steps: int, losses: dict[str, float]) -> None:
        """Writes ``config.json`` next to the models: what it takes to play and to repeat them."""
        config = {
            "algo": self.algo,
            "env": self.env_name.gym_id,
            "env_kwargs": self.env_kwargs,
            "hyperparams": without(self._saved_hyperparams, ("env_kwargs",)),
            "seed": self.seed,
            "n_timesteps": self.n_timesteps,
            "trained_timesteps": steps,
            "losses": losses,
            "command": shlex.join(["python", "zoo/train.py", *self.command]),
            "versions": {name: version(name) for name in VERSIONED},
        }
        with write_atomically(Path(self.save_path) / CONFIG_NAME) as file:
            file.write((json.dumps(config, indent=2, default=str) + "\n").encode())

    def save_trained_model(self, model: BaseAlgorithm) -> None:
        """Saves the agent and says what to do with it."""
        super().save_trained_model(model)
        logged = model.logger.name_to_value.items()  # of the last update
        losses = {name.split("/")[-1]: float(x) for name, x in logged if name.endswith("loss")}
        self._write_config(model.num_timesteps, losses)
        agent = f"--algo {self.algo} --env {self.env_name.gym_id} -f {self.log_folder}"
        print(f"\nWrote the agent {self.save_path}/{self.env_name}.zip")
        if self.tensorboard_log:
            print(f"Curves:   tensorboard --logdir {self.tensorboard_log}")
        print(f"Watch it: python zoo/enjoy.py {agent}")
        print(f"Film it:  python zoo/record.py {agent} -o {self.env_name}.mp4")

    def _remove_failed_run(self) -> None:
        # RL Zoo makes a new folder first; without an agent it would be the latest run to enjoy.py.
        run = Path(self.save_path)
        if run.is_dir() and not any(run.rglob("*.zip")):
            shutil.rmtree(run)


def main(arguments: list[str]) -> None:
    """Fills in this repository's defaults and calls RL Zoo's program."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--algo", default="ppo")
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("-f", "--log-folder", default=LOG_FOLDER)
    parser.add_argument("-conf", "--conf-file")
    parser.add_argument("-tb", "--tensorboard-log")
    parser.add_argument("--gym-packages", nargs="+", default=[])
    options, _ = parser.parse_known_args(arguments)
    VectorExperimentManager.command = list(arguments)
    # Ours alone; RL Zoo's parser does not know it.
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--network", help="of objwrappers.sb3.networks, instead of the file's policy")
    added, arguments = own.parse_known_args(arguments)
    VectorExperimentManager.network = added.network

    if {"-h", "--help"} & set(arguments):
        print(own.format_help().replace("usage:", "beside RL Zoo's options:"))
    else:
        import_packages(options.gym_packages)
        check_env_id(options.env)
        if is_ours(options.env):
            if options.conf_file is None:
                arguments = [*arguments, "--conf-file", str(_default_hyperparams(options.algo))]
            if options.tensorboard_log is None:
                folder = Path(options.log_folder) / "tensorboard"
                arguments = [*arguments, "--tensorboard-log", str(folder)]
    sys.argv[1:] = arguments
    rl_zoo3.train.StoreDict = KeyValues  # type: ignore[misc]
    rl_zoo3.train.ExperimentManager = VectorExperimentManager  # type: ignore[misc]
    rl_zoo3.train.train()


def _default_hyperparams(algo: str) -> Path:
    path = REPOSITORY / "hyperparams" / f"{algo}.yml"
    if not path.is_file():
        there_are = ", ".join(sorted(file.stem for file in path.parent.glob("*.yml")))
        fail(
            f"no hyperparameters for --algo {algo} in {path.parent} (there are {there_are}); "
            "pass your own with --conf-file."
        )
    return path


if __name__ == "__main__":
    main(sys.argv[1:])
