"""RL Zoo's experiment manager on this package's vector envs."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from huggingface_sb3 import EnvironmentName
from rl_zoo3.exp_manager import ExperimentManager
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from objwrappers.agents.envs import make_env, whole_games, with_device, with_model
from objwrappers.agents.fitting import PERCEIVED, perceived
from objwrappers.agents.hyperparams import check_hyperparams, find_entry
from objwrappers.agents.normalization import load_statistics, statistics_path
from objwrappers.agents.runs import CONFIG_NAME, acts_greedily
from objwrappers.agents.saving import SaveAgent, describe_policy, save_agent
from objwrappers.files import write_atomically
from objwrappers.registration import family_of

__all__ = ["FREE_LUNCH_POLICIES", "VectorExperimentManager"]

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
        command: How the training was called, for the record.
        archive: The agent, once it is saved.
    """

    network: str | None = None
    command: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.archive: Path | None = None
        self._policy: dict[str, Any] = {}
        self._perceived: dict[str, str] = {}
        self._new_folders = [path for path in Path(self.save_path).parents if not path.exists()]
        self.deterministic_eval = acts_greedily(self.algo, self.env_name.gym_id)

    def setup_experiment(self) -> tuple[BaseAlgorithm, dict[str, Any]] | None:
        """Makes envs and agent; an error leaves no run behind."""
        try:
            result = super().setup_experiment()
        except BaseException:
            self._remove_failed_run()
            raise
        if result is not None:
            # Checkpoints and the best agent are read before the training's end.
            self._policy = describe_policy(result[0], self.algo)
            env = result[0].get_env()
            self._perceived = {} if env is None else perceived(env)
            self._write_config(0, {})
        return result

    def read_hyperparameters(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Reads the hyperparameters of the id, else of its family (``ObjKeypoints``)."""
        env_name = self.env_name
        if self.config.endswith((".yml", ".yaml")):
            if (found := find_entry(self.config, env_name.gym_id)) is not None:
                self.env_name = EnvironmentName(found[0])
                if self.env_kwargs:
                    # RL Zoo forgets those of the file where the command line has any.
                    self.env_kwargs = {**found[1].get("env_kwargs", {}), **self.env_kwargs}
                    self.args.env_kwargs = self.env_kwargs
        try:
            read = super().read_hyperparameters()
        except ImportError as error:
            raise ValueError(
                f"--conf-file {self.config}: neither .yml nor .py, nor a package ({error})."
            ) from error
        finally:
            self.env_name = env_name
        for hyperparams in read if self.network else ():
            self._use_network(hyperparams)
        check_hyperparams(self.algo, read[0])
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
        if family_of(env_id) is None or self.env_wrapper is not None:
            return super().create_envs(n_envs, eval_env, no_log)
        options = dict(self.env_kwargs)
        if eval_env and self.eval_env_kwargs:  # RL Zoo fills them from the command line only
            options = dict(self.eval_env_kwargs)
        if eval_env:
            options = whole_games(env_id, options)
        stack = self.frame_stack
        return make_env(
            env_id,
            n_envs,
            with_device(env_id, options, str(self.device)),
            seed=self.seed,
            wrappers=(
                self.vec_env_wrapper,
                lambda env: self._maybe_normalize(env, eval_env),
                (lambda env: VecFrameStack(env, stack)) if stack is not None else None,
            ),
            monitor_file=None
            if eval_env or no_log
            else str(Path(self.save_path) / "0.monitor.csv"),
            info_keywords=self.monitor_kwargs.get("info_keywords", ()),
        )

    def _maybe_normalize(self, env: VecEnv, eval_env: bool) -> VecEnv:
        statistics = statistics_path(Path(self.trained_agent)) if self.trained_agent else None
        if statistics is None or not statistics.is_file():
            return super()._maybe_normalize(env, eval_env)
        normalised = load_statistics(statistics, env)
        normalised.training = not eval_env
        normalised.norm_reward = not eval_env and bool(self.normalize_kwargs.get("norm_reward", 1))
        return normalised

    def create_callbacks(self) -> None:
        """Makes RL Zoo's callbacks, except that agents are saved whole or not at all."""
        save_freq, self.save_freq = self.save_freq, -1
        super().create_callbacks()
        if save_freq > 0:
            self.save_freq = max(save_freq // self.n_envs, 1)
            self.callbacks.append(SaveAgent(self.save_path, self.save_freq))
        for callback in self.callbacks:
            if isinstance(callback, EvalCallback):
                callback.best_model_save_path = None
                callback.callback_on_new_best = SaveAgent(self.save_path)
                callback.callback_on_new_best.parent = callback

    def _save_config(self, saved_hyperparams: dict[str, Any]) -> None:
        super()._save_config(saved_hyperparams)
        self._saved_hyperparams = dict(saved_hyperparams)
        if self.continue_training:
            # RL Zoo leaves the agent's own policy as it is, whatever the file says.
            self._saved_hyperparams = {
                **_without(self._saved_hyperparams, "policy", "policy_kwargs"),
                "continued_from": self.trained_agent,
            }

    def _write_config(self, steps: int, losses: dict[str, float]) -> None:
        """Writes ``config.json`` next to the models: what it takes to play and to repeat them."""
        config = {
            "algo": self.algo,
            "env": self.env_name.gym_id,
            "env_kwargs": with_model(self.env_name.gym_id, self.env_kwargs),
            "hyperparams": _without(self._saved_hyperparams, "env_kwargs"),
            **self._policy,
            "seed": self.seed,
            "n_timesteps": self.n_timesteps,
            "trained_timesteps": steps,
            "losses": losses,
            "command": self.command,
            PERCEIVED: self._perceived,
            "versions": {name: version(name) for name in VERSIONED},
        }
        with write_atomically(Path(self.save_path) / CONFIG_NAME) as file:
            file.write((json.dumps(config, indent=2, default=str) + "\n").encode())

    def save_trained_model(self, model: BaseAlgorithm) -> None:
        """Saves the agent, its statistics and what RL Zoo reads."""
        self.archive = Path(self.save_path) / f"{self.env_name}.zip"
        logged = model.logger.name_to_value.items()  # of the last update
        losses = {name.split("/")[-1]: float(x) for name, x in logged if name.endswith("loss")}
        self._policy = describe_policy(model, self.algo)
        self._write_config(model.num_timesteps, losses)
        save_agent(model, self.archive)
        if self.save_replay_buffer and isinstance(model, OffPolicyAlgorithm):
            model.save_replay_buffer(str(Path(self.save_path) / "replay_buffer.pkl"))
        if (normalised := model.get_vec_normalize_env()) is not None:
            normalised.save(str(Path(self.params_path) / "vecnormalize.pkl"))

    def _remove_failed_run(self) -> None:
        # RL Zoo makes a new folder first; without an agent it would be the latest run to enjoy.py.
        run = Path(self.save_path)
        if run.is_dir() and not any(run.rglob("*.zip")):
            shutil.rmtree(run)
        with suppress(OSError):  # the first that is not empty stays
            for folder in self._new_folders:
                folder.rmdir()


def _without(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}
