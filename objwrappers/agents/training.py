"""Training agents by RL Zoo's manager, as a function.

:func:`train`: an algorithm and an id → an agent in a log folder.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from stable_baselines3.common.utils import set_random_seed

from objwrappers.agents.hyperparams import default_hyperparams
from objwrappers.agents.manager import VectorExperimentManager
from objwrappers.agents.runs import ALGOS, IMITATION, LOG_FOLDER
from objwrappers.names import check_name

__all__ = ["train"]


def train(
    env_id: str,
    algo: str = "ppo",
    *,
    n_timesteps: int | None = None,
    seed: int | None = None,
    log_folder: str | Path = LOG_FOLDER,
    device: str = "auto",
    hyperparams: dict[str, Any] | None = None,
    env_kwargs: dict[str, Any] | None = None,
    network: str | None = None,
    conf_file: str | Path | None = None,
    eval_freq: int = 25_000,
    eval_episodes: int = 5,
    save_freq: int = -1,
    progress: bool = False,
    verbose: int = 0,
) -> Path:
    """Trains an agent on an id of this package, as ``zoo/train.py`` does.

    Args:
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        algo: ``"ppo"``, ``"a2c"``, ``"dqn"``, ``"qrdqn"``, ``"rdqn"``, ``"drqv2"``.
        n_timesteps: Agent steps; by default those of the hyperparameters.
        seed: Of everything random; by default a random one.
        log_folder: ``<log_folder>/<algo>/<env_id>_<run>`` gets the agent.
        device: Of perception and of the policy.
        hyperparams: Changes to those of ``hyperparams/<algo>.yml``.
        env_kwargs: Of the env, on top of those of the hyperparameters.
        network: Of :mod:`objwrappers.sb3.free_lunch.networks`, instead of the file's policy.
        conf_file: YAML in RL Zoo's format instead.
        eval_freq: Steps between evaluations; -1 for none.
        eval_episodes: Of each evaluation.
        save_freq: Steps between checkpoints; -1 for none.
        progress: Show a bar.
        verbose: 0, 1 or 2.

    Returns:
        The agent's archive.

    Raises:
        ValueError: No such algorithm, hyperparameters or option.
        FileNotFoundError: There are no weights for the id's model.
    """
    check_name("algorithm", algo, ALGOS)
    if algo == IMITATION:
        raise ValueError(f"{algo!r} learns from recorded play: objwrappers.clone(env_id, trials).")
    seed = int(np.random.randint(2**31)) if seed is None else seed
    set_random_seed(seed)
    conf = str(conf_file or default_hyperparams(algo))
    given = {
        "algo": algo,
        "env_id": env_id,
        "log_folder": str(log_folder),
        "tensorboard_log": str(Path(log_folder) / "tensorboard"),
        "n_timesteps": n_timesteps or -1,
        "eval_freq": eval_freq,
        "n_eval_episodes": eval_episodes,
        "save_freq": save_freq,
        "hyperparams": hyperparams,
        "env_kwargs": env_kwargs,
        "seed": seed,
        "log_interval": -1,
        "verbose": verbose,
        "device": device,
        "config": conf,
        "show_progress": progress,
    }
    manager = VectorExperimentManager(SimpleNamespace(**given), **given)
    manager.network = network
    options = {
        "n_timesteps": n_timesteps,
        "seed": seed,
        "hyperparams": hyperparams,
        "env_kwargs": env_kwargs,
        "network": network,
    }
    told = "".join(f", {key}={value!r}" for key, value in options.items() if value is not None)
    manager.command = f"objwrappers.train({env_id!r}, {algo!r}{told})"
    result = manager.setup_experiment()
    assert result is not None
    manager.learn(result[0])
    manager.save_trained_model(result[0])
    assert manager.archive is not None
    return manager.archive
