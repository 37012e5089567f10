"""Agents read from disk, with an env that fits them.

An agent with a config.json of ours is read from that and from the tensors of its archive: no code
of a stranger's runs. What RL Zoo wrote by itself (pickles, ``args.yml``) is read where it is
trusted only.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from rl_zoo3.utils import get_saved_hyperparams, get_wrapper_class
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecNormalize

from objwrappers.agents.envs import make_env, whole_games, with_device, with_model
from objwrappers.agents.fitting import PERCEIVED, check_perceived, check_spaces
from objwrappers.agents.normalization import load_statistics, statistics_path
from objwrappers.agents.players import RandomPolicy
from objwrappers.agents.runs import ALGOS, CONFIG_NAME, LOG_FOLDER, find_archive
from objwrappers.envs.atari_head import known_options
from objwrappers.files import read_json
from objwrappers.registration import FAMILIES, family_of, task_of
from objwrappers.sb3.archive import read_policy
from objwrappers.sb3.policy_table import policy_named

__all__ = ["Agent", "Training", "load_agent", "read_training"]


MAX_STACK = 64  # observations


@dataclass(frozen=True)
class Agent:
    """What plays: a trained agent, or the random policy.

    Attributes:
        name: What to call it in a line of text.
        predict: As Stable-Baselines3's: observation, state, episode_start, deterministic → actions
            and state.
        policy: Of a trained agent, else None.
        path: Its archive, else None.
    """

    name: str
    predict: Callable[..., tuple[Any, Any]]
    policy: BasePolicy | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Training:
    """What a training tells of its agent.

    Attributes:
        env_kwargs: Of its env.
        policy: Name of the policy's class.
        policy_kwargs: Of the policy.
        frame_stack: Observations stacked by SB3, or None.
        normalize: Observations were normalised.
        wrappers: RL Zoo's hyperparameters that name wrappers, of trusted agents alone.
        shown: Id of recorded play that is made instead of the env.
        perceived: See :func:`~objwrappers.agents.fitting.perceived`.
    """

    env_kwargs: dict[str, Any] = field(default_factory=dict)
    policy: str = ""
    policy_kwargs: dict[str, Any] = field(default_factory=dict)
    frame_stack: int | None = None
    normalize: bool = False
    wrappers: dict[str, Any] = field(default_factory=dict)
    shown: str | None = None
    perceived: dict[str, str] = field(default_factory=dict)


def load_agent(
    algo: str,
    env_id: str,
    *,
    folder: str | Path = LOG_FOLDER,
    exp_id: int = 0,
    load_best: bool = False,
    checkpoint: int | None = None,
    num_envs: int = 1,
    env_kwargs: dict[str, Any] | None = None,
    render_mode: str | None = None,
    monitor_file: str | None = None,
    seed: int = 0,
    device: str = "auto",
    trust: bool = False,
    recorded: bool = False,
) -> tuple[Agent, VecEnv]:
    """Loads an agent, and makes an env as it was trained in, but for whole games.

    Args:
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``, or ``"random"``.
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        folder: The ``-f`` of the training.
        exp_id: Run number; 0 is the latest.
        load_best: The best agent of the evaluations instead of the last one.
        checkpoint: That of so many steps instead; 0 is the latest.
        num_envs: Envs side by side.
        env_kwargs: On top of those of the training.
        render_mode: ``"rgb_array"`` for pictures.
        monitor_file: CSV file that every game is written to.
        seed: Of the first episodes and of the agent's sampling.
        device: Of perception and of the policy.
        trust: Read what RL Zoo wrote, too: its pickles can run code.
        recorded: The env is recorded human play, seen as in the training; env_kwargs may be those
            of ``AtariHead`` ids, too.

    Returns:
        The agent and its env. Scores (``info["episode"]``) are the game's own.

    Raises:
        FileNotFoundError: There is no such agent, or its statistics are missing.
        ValueError: A damaged agent, one that must be trusted, or env_kwargs that give it other
            observations than it was trained on.
    """
    given = with_device(env_id, dict(env_kwargs or {}), device)
    if render_mode is not None:
        given["render_mode"] = render_mode
    set_random_seed(seed)
    if algo == "random":
        env = make_env(env_id, num_envs, given, seed=seed, monitor_file=monitor_file)
        return Agent("random policy", RandomPolicy(env, seed).predict), env
    path = find_archive(algo, env_id, folder, exp_id, load_best, checkpoint)
    training = read_training(path, env_id, trust)
    if recorded:
        training = _recorded(training, env_id)

    def make(count: int, options: dict[str, Any], file: str | None = None) -> VecEnv:
        return _make_env(path, training, env_id, count, options, seed, file, trust)

    env = make(num_envs, given, monitor_file)
    try:
        policy = _read_policy(algo, path, training, env, device, trust)
        trained_on: Any = policy
        if trust:
            check_spaces(path, trained_on, env, env_id)
    except ValueError:
        env.close()
        if env_kwargs:
            with contextlib.closing(make(1, with_device(env_id, {}, device))) as trained_in:
                check_spaces(path, trained_in, env, env_id)
        raise
    check_perceived(path, training.perceived, env)
    set_random_seed(seed)
    return Agent(f"{algo} agent {path}", policy.predict, policy, path), env


def _recorded(training: Training, env_id: str) -> Training:
    """Returns the training as if its env were recorded play, as far as that has its options."""
    family, task = family_of(env_id), task_of(env_id)
    head = FAMILIES["AtariHead"]
    if family is None or task is None or family is head or task not in head.tasks:
        raise ValueError(
            f"There is no recorded play that an agent of {env_id} could be shown: Atari-HEAD has "
            f"{', '.join(head.tasks)}."
        )
    if training.env_kwargs.get("confounded"):
        raise ValueError(
            "The agent's frames show what it did last (confounded=True), which nobody knows of "
            "recorded play."
        )
    known = known_options(family.name)
    kept = {name: value for name, value in training.env_kwargs.items() if name in known}
    kwargs = {**kept, "observe": family.name}
    return replace(training, env_kwargs=kwargs, shown=head.id_of(task))


def read_training(archive: Path, env_id: str, trust: bool = False) -> Training:
    """Reads what a training wrote beside its agent.

    Args:
        archive: The agent's.
        env_id: Its id, after which RL Zoo names its folder.
        trust: Read RL Zoo's own files, too, where there is no config.json.

    Raises:
        ValueError: A damaged config.json, or none and no trust.
    """
    path = archive.parent / CONFIG_NAME
    if not path.exists():
        if not trust:
            raise ValueError(
                f"{archive} has no {CONFIG_NAME} beside it: it is in RL Zoo's own format, whose "
                "pickles can run code. Read it by --trust (trust=True) if you trust who made it."
            )
        return _read_rl_zoo(archive.parent / env_id, env_id)
    config = read_json(path)
    try:
        hyperparams = dict(config["hyperparams"])
        stack = hyperparams.get("frame_stack")
        if stack is not None and not 1 <= int(stack) <= MAX_STACK:
            raise ValueError(f"frame_stack must be from 1 to {MAX_STACK}, got {stack}")
        training = Training(
            with_model(env_id, dict(config["env_kwargs"]), former=True),
            frame_stack=None if stack is None else int(stack),
            normalize=_normalises_observations(hyperparams.get("normalize")),
            wrappers=_wrappers(hyperparams),
            perceived=dict(config.get(PERCEIVED) or {}),
        )
        if trust:
            return training
        policy = config.get("policy") or hyperparams.get("policy")
        kwargs = config.get("policy_kwargs", hyperparams.get("policy_kwargs")) or {}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged, or cannot be used: {error!r}.") from error
    if training.wrappers or not isinstance(policy, str) or not isinstance(kwargs, dict):
        code = ", ".join(training.wrappers) or f"policy {policy!r} with {kwargs!r}"
        raise ValueError(
            f"{path} does not tell in data alone how to make the agent ({code}): read it by "
            "--trust (trust=True), as code, if you trust who made it."
        )
    return replace(training, policy=policy, policy_kwargs=kwargs)


def _read_rl_zoo(folder: Path, env_id: str) -> Training:
    hyperparams, _ = get_saved_hyperparams(str(folder), test_mode=True)
    env_kwargs = dict(hyperparams.get("env_kwargs") or {})
    if (folder / "args.yml").is_file():
        # RL Zoo dumps its arguments as a Python object.
        arguments = yaml.unsafe_load((folder / "args.yml").read_text())
        env_kwargs = dict(arguments.get("env_kwargs") or env_kwargs)
    return Training(
        with_model(env_id, env_kwargs, former=True),
        frame_stack=hyperparams.get("frame_stack"),
        normalize=_normalises_observations(hyperparams.get("normalize")),
        wrappers=_wrappers(hyperparams),
    )


def _normalises_observations(normalize: Any) -> bool:
    """Tells whether an agent needs statistics to play: rewards alone do not count.

    Args:
        normalize: RL Zoo's hyperparameter, True, ``{"norm_obs": False}`` or the same as a word,
            ``"dict(norm_obs=False)"``, which is not evaluated.
    """
    if isinstance(normalize, dict):
        return bool(normalize.get("norm_obs", True))
    if isinstance(normalize, str):
        return re.search(r"norm_obs[\"']?\s*[=:]\s*False", normalize) is None
    return bool(normalize)


def _wrappers(hyperparams: dict[str, Any]) -> dict[str, Any]:
    names = ("env_wrapper", "vec_env_wrapper")
    return {name: hyperparams[name] for name in names if hyperparams.get(name) is not None}


def _make_env(
    path: Path,
    training: Training,
    env_id: str,
    num_envs: int,
    env_kwargs: dict[str, Any],
    seed: int,
    monitor_file: str | None,
    trust: bool,
) -> VecEnv:
    stack = training.frame_stack

    def normalised(env: VecEnv) -> VecEnv:
        pickled = path.parent / env_id / "vecnormalize.pkl"
        if trust and pickled.is_file() and not statistics_path(path).is_file():
            loaded = VecNormalize.load(str(pickled), env)
            loaded.training = loaded.norm_reward = False
            return loaded
        if pickled.is_file() and not statistics_path(path).is_file():
            raise ValueError(
                f"The statistics of {path} are a pickle, {pickled.name}, which can run code. Read "
                "it by --trust (trust=True) if you trust who made it."
            )
        return load_statistics(statistics_path(path), env)

    return make_env(
        training.shown or env_id,
        num_envs,
        {**whole_games(env_id, training.env_kwargs), **env_kwargs},
        seed=seed,
        monitor_file=monitor_file,
        env_wrapper=get_wrapper_class(dict(training.wrappers)),
        wrappers=(
            get_wrapper_class(dict(training.wrappers), "vec_env_wrapper"),  # type: ignore[arg-type]
            normalised if training.normalize else None,
            (lambda env: VecFrameStack(env, stack)) if stack else None,
        ),
    )


def _read_policy(
    algo: str, path: Path, training: Training, env: VecEnv, device: str, trust: bool
) -> BasePolicy:
    if trust:
        # Schedules of the training, which an agent that only plays does not need.
        unneeded = {"learning_rate": 0.0, **dict.fromkeys(("lr_schedule", "clip_range"), _zero)}
        return ALGOS[algo].load(path, custom_objects=unneeded, device=device).policy
    return read_policy(
        path,
        policy_named(algo, training.policy),
        env.observation_space,
        env.action_space,
        training.policy_kwargs,
        device,
    )


def _zero(_: float) -> float:
    return 0.0
