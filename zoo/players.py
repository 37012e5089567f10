"""Agents on disk, the random policy, and the envs that they play.

Agents are pickles in part (Stable-Baselines3 archives, VecNormalize statistics, RL Zoo's
``args.yml``): loading one can run code. Only load agents you trust.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import yaml
from common import (
    LOG_FOLDER,
    REPOSITORY,
    TRAINING_ONLY,
    VECTOR_ONLY,
    KeyValues,
    is_atari,
    takes_device,
    without,
)
from huggingface_sb3 import EnvironmentName
from rl_zoo3.utils import ALGOS, create_test_env, get_model_path, get_saved_hyperparams
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecNormalize, VecTransposeImage

from objwrappers.sb3 import GymVecEnv, RecurrentDQN
from objwrappers.sb3.monitor import GameMonitor

__all__ = [
    "CONFIG_NAME",
    "Agent",
    "RandomPolicy",
    "acts_greedily",
    "add_agent_options",
    "env_kwargs_of",
    "find_agent",
    "folder_with_agents",
    "load_agent",
    "make_test_env",
    "make_vec_env",
    "runs_with_agents",
    "trained_with",
]

ALGOS["rdqn"] = RecurrentDQN

BUNDLED_AGENTS = REPOSITORY / "zoo" / "agents"
CONFIG_NAME = "config.json"
"""Beside an agent: env, options, hyperparameters, seed and versions of its training."""


def acts_greedily(algo: str, env_id: str) -> bool:
    """Tells whether an agent takes the likeliest action unless asked otherwise.

    As in RL Zoo, policies on Atari games sample: a young one's likeliest action can stand still
    for a whole game. Value-based agents have no such policy, only their training's exploration.
    """
    value_based = algo in ALGOS and issubclass(ALGOS[algo], OffPolicyAlgorithm)
    return value_based or not is_atari(env_id)


def add_agent_options(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """Adds the options by which evaluate.py and record.py find an agent and make its env.

    Args:
        parser: Gets ``--env``, ``--algo``, ``-f`` and so on.
        several: ``-f`` and ``--exp-id`` take several values and are lists.
    """
    add = parser.add_argument
    add("--env", required=True, help="env id, ObjKeypoints-MsPacman-v0")
    add("--algo", choices=["random", *ALGOS], default="random", help="of a trained agent")
    count: dict[str, Any] = {"nargs": "+"} if several else {}
    folder, run = ([LOG_FOLDER], [0]) if several else (LOG_FOLDER, 0)
    add("-f", "--folder", default=folder, **count, help="log folder of the agent's training")
    add("--exp-id", type=int, default=run, **count, help="run in it (default: the latest)")
    add("--load-best", action="store_true", help="the best model instead of the last one")
    add("--deterministic", action="store_true", help="the likeliest action instead of sampling")
    add("--device", default="auto", help="of perception and of the policy")
    add("--env-kwargs", nargs="+", action=KeyValues, default={}, help="key:value ...")
    add("--gym-packages", nargs="+", default=[], help="packages that register envs")


def env_kwargs_of(options: argparse.Namespace) -> dict[str, Any]:
    """Returns ``--env-kwargs``, with ``--device`` for an env that runs a model of its own."""
    device = {"device": options.device} if takes_device(options.env) else {}
    return {**device, **options.env_kwargs}


def find_agent(
    options: argparse.Namespace, folder: str | None = None, exp_id: int | None = None
) -> Agent | None:
    """Loads the agent of :func:`add_agent_options`, None for the random policy.

    Args:
        options: With ``seed``.
        folder: Instead of that of the options.
        exp_id: Likewise.

    Raises:
        FileNotFoundError: There is no such agent; the message says how to train one.
    """
    if options.algo == "random":
        return None
    return load_agent(
        options.algo,
        options.env,
        options.folder if folder is None else folder,
        options.exp_id if exp_id is None else exp_id,
        options.load_best,
        options.device,
        options.seed,
    )


@dataclass(frozen=True)
class Agent:
    """A trained agent, found as RL Zoo finds it.

    Attributes:
        path: The archive.
        model: Ready to predict.
        hyperparams: Those of its training that shape the env (frame stack, normalisation).
        stats_path: Folder of the VecNormalize statistics, or None.
        env_kwargs: Those of its training.
    """

    path: Path
    model: BaseAlgorithm
    hyperparams: dict[str, Any]
    stats_path: str | None
    env_kwargs: dict[str, Any]


def runs_with_agents(algo: str, env_id: str, folder: str, load_best: bool = False) -> list[int]:
    """Returns the numbers of the runs in a log folder that hold an agent, oldest first.

    A training that failed or was killed leaves a run without one.
    """
    name = EnvironmentName(env_id)
    archive = "best_model.zip" if load_best else f"{name}.zip"
    found = Path(folder, algo).glob(f"{name}_*/{archive}")
    numbers = (path.parent.name.rpartition("_")[2] for path in found)
    return sorted(int(number) for number in numbers if number.isdigit())


def folder_with_agents(algo: str, env_id: str, folder: str, load_best: bool = False) -> str:
    """Returns the folder, or a bundled one where the default folder holds no such agent."""
    if folder == LOG_FOLDER and not runs_with_agents(algo, env_id, folder, load_best):
        # The network with attention comes first: its agents show where they look.
        for bundled in sorted(BUNDLED_AGENTS.glob("*/"), reverse=True):
            if runs_with_agents(algo, env_id, str(bundled), load_best):
                return str(bundled)
    return folder


def load_agent(
    algo: str,
    env_id: str,
    folder: str = LOG_FOLDER,
    exp_id: int = 0,
    load_best: bool = False,
    device: str = "auto",
    seed: int = 0,
) -> Agent:
    """Loads the agent that ``zoo/train.py`` wrote into a log folder.

    Args:
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``.
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        folder: The ``-f`` of the training.
        exp_id: Run number; 0 is the latest.
        load_best: The best model of the evaluations instead of the last one.
        device: Of the policy.
        seed: Of the policy's sampling.

    Raises:
        FileNotFoundError: There is no such agent; the message says how to train one.
    """
    name = EnvironmentName(env_id)
    folder = folder_with_agents(algo, env_id, folder, load_best)
    if exp_id == 0 and (runs := runs_with_agents(algo, env_id, folder, load_best)):
        exp_id = runs[-1]
    try:
        _, path, log_path = get_model_path(exp_id, folder, algo, name, load_best)
    except (AssertionError, ValueError) as error:
        raise FileNotFoundError(
            f"{error}. Train an agent: python zoo/train.py --algo {algo} --env {env_id} -f {folder}"
        ) from error
    hyperparams, stats_path, env_kwargs = trained_with(Path(log_path), name)
    # Schedules of the training, which an agent that only plays does not need.
    unneeded = {"learning_rate": 0.0, **dict.fromkeys(("lr_schedule", "clip_range"), _zero)}
    model = ALGOS[algo].load(path, custom_objects=unneeded, device=device, seed=seed)
    return Agent(Path(path), model, hyperparams, stats_path, without(env_kwargs, TRAINING_ONLY))


def trained_with(run: Path, name: str) -> tuple[dict[str, Any], str | None, dict[str, Any]]:
    """Returns a run's hyperparameters, its folder of statistics or None, and its env_kwargs."""
    stats = run / name
    hyperparams, stats_path = get_saved_hyperparams(str(stats), test_mode=True)
    env_kwargs = dict(hyperparams.pop("env_kwargs", None) or {})
    config = run / CONFIG_NAME
    if config.is_file():
        try:
            written = json.loads(config.read_text())
            env_kwargs = dict(written["env_kwargs"])
            if stats_path is None:
                # RL Zoo stacks frames only where it has a folder to look for statistics in.
                stats_path = str(stats)
                hyperparams = {"normalize": False, **written["hyperparams"]}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{config} is damaged: {error!r}.") from error
    elif (stats / "args.yml").is_file():
        # RL Zoo dumps its arguments as a Python object.
        arguments = yaml.unsafe_load((stats / "args.yml").read_text())
        env_kwargs = dict(arguments.get("env_kwargs") or env_kwargs)
    return hyperparams, stats_path, env_kwargs


def _zero(_: float) -> float:
    return 0.0


def make_test_env(
    env_id: str, agent: Agent | None, env_kwargs: dict[str, Any], seed: int = 0
) -> VecEnv:
    """Makes one env with rgb_array rendering, wrapped as the agent's training env was.

    Args:
        env_id: A registered id.
        agent: None leaves the env as it is.
        env_kwargs: On top of those of the agent's training.
        seed: Of the first episode.
    """
    given = agent.env_kwargs if agent else {}
    env = create_test_env(
        env_id,
        n_envs=1,
        stats_path=agent.stats_path if agent else None,
        seed=seed,
        should_render=False,
        hyperparams=dict(agent.hyperparams) if agent else {},
        env_kwargs={
            **without(given, VECTOR_ONLY),
            **env_kwargs,
            "render_mode": "rgb_array",
        },
    )
    _check_spaces(agent, env, env_id)
    return env


def make_vec_env(
    env_id: str, agent: Agent | None, num_envs: int, env_kwargs: dict[str, Any]
) -> VecEnv:
    """Makes the native vector env of an id, normalised and stacked as the agent's training env was.

    Scores are the game's own, as GameMonitor counts them.
    """
    given = agent.env_kwargs if agent else {}
    vector_env = gym.make_vec(env_id, num_envs=num_envs, **{**given, **env_kwargs})
    env: VecEnv = GameMonitor(GymVecEnv(vector_env))
    if agent and agent.stats_path and (agent.path.parent / env_id / "vecnormalize.pkl").exists():
        env = VecNormalize.load(str(agent.path.parent / env_id / "vecnormalize.pkl"), env)
        env.training = env.norm_reward = False
    stack = agent.hyperparams.get("frame_stack") if agent else None
    env = VecFrameStack(env, stack) if stack else env
    _check_spaces(agent, env, env_id)
    return env


def _check_spaces(agent: Agent | None, env: VecEnv, env_id: str) -> None:
    if agent is None:
        return
    for kind in ("observation", "action"):
        mine, theirs = (getattr(one, f"{kind}_space") for one in (agent.model, env))
        if _shapes(mine) != _shapes(theirs):
            raise ValueError(
                f"{agent.path} was trained on {kind}s of {_shapes(mine)}, but {env_id} with these "
                f"--env-kwargs has {_shapes(theirs)}: give those of its training."
            )


def _shapes(space: gym.Space) -> Any:
    """Tells spaces apart; images count channels first, as agents get them."""
    if isinstance(space, gym.spaces.Box) and is_image_space(space):
        space = space if is_image_space_channels_first(space) else _transposed(space)
    if isinstance(space, gym.spaces.Dict):
        return {key: _shapes(part) for key, part in space.spaces.items()}
    return space.shape if isinstance(space, gym.spaces.Box) else str(space)


def _transposed(space: gym.spaces.Box) -> gym.spaces.Box:
    transposed = VecTransposeImage.transpose_space(space)
    assert isinstance(transposed, gym.spaces.Box)
    return transposed


class RandomPolicy:
    """Samples the action space, with an agent's interface.

    Args:
        env: Whose actions.
        seed: Of the samples.
    """

    def __init__(self, env: VecEnv, seed: int) -> None:
        self._env = env
        env.action_space.seed(seed)

    def predict(self, observation: Any, **_: Any) -> tuple[np.ndarray, None]:
        """Returns one action for each env."""
        return np.array([self._env.action_space.sample() for _ in range(self._env.num_envs)]), None
