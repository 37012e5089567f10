"""Where agents lie: log folders as RL Zoo lays them out, and the bundled ones.

``<log folder>/<algo>/<env id>_<run>/<env id>.zip``, beside it ``best_model.zip`` and
``rl_model_<steps>_steps.zip``.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from huggingface_sb3 import EnvironmentName
from rl_zoo3.utils import ALGOS
from stable_baselines3 import PPO
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from objwrappers.names import check_name
from objwrappers.registration import family_of
from objwrappers.sb3 import DrQv2, RecurrentDQN

__all__ = [
    "ALGOS",
    "CONFIG_NAME",
    "IMITATION",
    "LOG_FOLDER",
    "acts_greedily",
    "find_archive",
    "folder_with_agents",
    "is_value_based",
    "runs_with_agents",
]

ALGOS["rdqn"] = RecurrentDQN
ALGOS["drqv2"] = DrQv2
IMITATION = "bc"
"""What imitated people, by :func:`objwrappers.clone`; it is kept as PPO's kind of agent."""
ALGOS[IMITATION] = PPO

LOG_FOLDER = "logs"
CONFIG_NAME = "config.json"
"""Beside an agent: env, options, hyperparameters, seed and versions of its training."""

CLONE = Path(__file__).resolve().parents[2]
BUNDLED_AGENTS = CLONE / "zoo" / "agents"
"""Folders of agents, in a clone; an installed package has none."""
EXPERTS = Path(__file__).resolve().parents[1] / "bundled" / "agents"
"""Of tasks of dm_control, who demonstrate."""


def acts_greedily(algo: str, env_id: str) -> bool:
    """Tells whether an agent takes the likeliest action unless asked otherwise.

    As in RL Zoo, policies on Atari games sample: a young one's likeliest action can stand still
    for a whole game. Value-based agents have no such policy, only their training's exploration.
    """
    family = family_of(env_id)
    return is_value_based(algo) or family is None or not family.is_atari


def is_value_based(algo: str) -> bool:
    """Tells whether an algorithm's agents know values of actions and no policy to sample."""
    return algo in ALGOS and issubclass(ALGOS[algo], OffPolicyAlgorithm)


def runs_with_agents(
    algo: str, env_id: str, folder: str | Path, archive: str | None = None
) -> list[int]:
    """Returns the numbers of the runs in a log folder that hold an agent, oldest first.

    A training that failed or was killed leaves a run without one, or with one that is cut off.

    Args:
        algo: ``"ppo"``.
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        folder: The ``-f`` of the trainings.
        archive: Name of the file; by default the last agent's.
    """
    name = EnvironmentName(env_id)
    found = Path(folder, algo).glob(f"{name}_*/{archive or f'{name}.zip'}")
    numbers = (path.parent.name.rpartition("_")[2] for path in found if _is_archive(path))
    return sorted(int(number) for number in numbers if number.isdigit())


def folder_with_agents(
    algo: str, env_id: str, folder: str | Path, archive: str | None = None
) -> str:
    """Returns the folder, or a bundled one where the default folder holds no such agent."""
    if str(folder) == LOG_FOLDER and not runs_with_agents(algo, env_id, folder, archive):
        in_clone = (CLONE / "pyproject.toml").is_file()
        # The network with attention comes first: its agents show where they look.
        agents = sorted(BUNDLED_AGENTS.glob("*/"), reverse=True) if in_clone else []
        for bundled in (*agents, EXPERTS):
            if runs_with_agents(algo, env_id, bundled, archive):
                return str(bundled)
    return str(folder)


def find_archive(
    algo: str,
    env_id: str,
    folder: str | Path = LOG_FOLDER,
    exp_id: int = 0,
    load_best: bool = False,
    checkpoint: int | None = None,
) -> Path:
    """Returns the path of an agent's archive.

    Args:
        algo: ``"ppo"``.
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        folder: The ``-f`` of the training.
        exp_id: Run number; 0 is the latest.
        load_best: The best agent of the evaluations instead of the last one.
        checkpoint: That of so many steps instead; 0 is the latest.

    Raises:
        FileNotFoundError: There is no such agent; the message says how to train one.
        ValueError: No such algorithm.
    """
    check_name("algorithm", algo, ALGOS)
    name = EnvironmentName(env_id)
    archive = f"{name}.zip"
    if load_best:
        archive = "best_model.zip"
    elif checkpoint is not None:
        archive = f"rl_model_{checkpoint or '*'}_steps.zip"
    folder = folder_with_agents(algo, env_id, folder, archive)
    runs = runs_with_agents(algo, env_id, folder, archive)
    number = exp_id or (runs[-1] if runs else 0)
    if number not in runs:
        of_run = f" in run {exp_id}" if exp_id else ""
        command, call = f"train.py --algo {algo}", f"train({env_id!r}, {algo!r}"
        if algo == IMITATION:
            command, call = "clone.py --trials atari_head", f"clone({env_id!r}, 'atari_head'"
        raise FileNotFoundError(
            f"{folder} holds no {algo} agent of {env_id}{of_run} ({archive}). Train one: "
            f"python zoo/{command} --env {env_id} -f {folder}, or in Python "
            f"objwrappers.{call}, log_folder={folder!r})"
        )
    paths = Path(folder, algo, f"{name}_{number}").glob(archive)
    return max(filter(_is_archive, paths), key=_steps)


def _is_archive(path: Path) -> bool:
    return path.is_file() and zipfile.is_zipfile(path)


def _steps(path: Path) -> int:
    words = path.stem.split("_")
    return int(words[-2]) if words[0] == "rl" else 0
