"""Agents that imitate recorded human play.

:func:`clone`: trials of Atari-HEAD and an id → an agent in a log folder, of PPO's kind
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rl_zoo3.utils import get_latest_run_id
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from objwrappers.agents.demonstrations import demonstrations, split_frames
from objwrappers.agents.envs import make_env, with_device, with_model
from objwrappers.agents.fitting import PERCEIVED, perceived
from objwrappers.agents.hyperparams import default_hyperparams, read_entries
from objwrappers.agents.manager import VERSIONED
from objwrappers.agents.runs import CONFIG_NAME, IMITATION, LOG_FOLDER
from objwrappers.agents.saving import describe_policy, save_agent
from objwrappers.datasets.atari_head.recording import HumanRecording, human_recording
from objwrappers.datasets.gaze import trials_of_one_game
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.files import read_json, write_atomically
from objwrappers.games import rom_name
from objwrappers.metrics.actions import action_figures, baseline_figures
from objwrappers.names import check_name
from objwrappers.perception.loading import family_and_model_of, load_model
from objwrappers.registration import family_of, task_of
from objwrappers.sb3.cloning.data import Several
from objwrappers.sb3.cloning.networks import GazeExtractor, method_named
from objwrappers.sb3.cloning.training import CHECKPOINT_NAME, Imitation, Settings, predict
from objwrappers.sb3.policies import GazePolicy
from objwrappers.sb3.policy_table import policy_named

__all__ = ["clone", "read_hyperparams"]

OWN = ("policy", "policy_kwargs", "env_kwargs", "frame_stack", "method", "gaze")
"""Hyperparameters beside those of the training's :class:`~.Settings`."""


def clone(
    env_id: str,
    trials: str | Path,
    *,
    method: str | None = None,
    gaze_weights: str | Path | None = None,
    split: str = "auto",
    n_timesteps: int | None = None,
    seed: int = 0,
    log_folder: str | Path = LOG_FOLDER,
    device: str = "auto",
    hyperparams: Mapping[str, Any] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    conf_file: str | Path | None = None,
    progress: bool = False,
    command: str = "",
) -> Path:
    """Trains an agent to do what people did, as ``zoo/clone.py`` does.

    Each frame with a known action is a sample, seen as the id shows it to an agent that acts on
    it. The agent is one of PPO's, whose critic has learned nothing: ``zoo/evaluate.py --algo bc``
    plays it, and ``zoo/train.py --algo ppo -i`` goes on with it. The same call goes on with a
    training that was cut off.

    Args:
        env_id: ``"ObjFrames-MsPacman-v0"``; keypoints and scenes, too.
        trials: Atari-HEAD's files, or a trial's recording.
        method: What becomes of people's gaze, a name of
            :data:`~objwrappers.sb3.cloning.networks.METHODS`; by default the hyperparameters'.
        gaze_weights: Of the gaze model, for methods that see gaze in play; by default those of
            the game, see :func:`objwrappers.load_model`.
        split: See :func:`~objwrappers.agents.demonstrations.split_frames`.
        n_timesteps: Optimiser steps at most; by default those of the hyperparameters.
        seed: Of everything random.
        log_folder: ``<log_folder>/bc/<env_id>_<run>`` gets the agent, and ``config.json`` with
            its figures on the test frames.
        device: Of perception and of the policy.
        hyperparams: Changes to those of ``hyperparams/bc.yml``.
        env_kwargs: Of the env, on top of those of the hyperparameters.
        conf_file: YAML in the same format instead.
        progress: Show a bar.
        command: How the program was called, for the record.

    Returns:
        The agent's archive.

    Raises:
        ValueError: No such method, hyperparameter or option, or trials of another game.
        FileNotFoundError: There are no trials, or no weights for a model that the method or the
            id needs.
    """
    task = task_of(env_id)
    if task is None:
        raise ValueError(f"{env_id} is no id of this package: ObjFrames-MsPacman-v0 is one.")
    changes = {"method": method, "n_timesteps": n_timesteps, "seed": seed}
    given = {**(hyperparams or {}), **{k: v for k, v in changes.items() if v is not None}}
    chosen, settings = read_hyperparams(env_id, given, conf_file)
    options = {**(chosen["env_kwargs"] or {}), **(env_kwargs or {})}
    gaze = _gaze_model(chosen, task, gaze_weights, device)
    recordings = _recordings(trials, task)
    parts = [
        demonstrations(
            recording, env_id, with_device(env_id, options, device), chosen["frame_stack"]
        )
        for recording in recordings
    ]
    data = Several(parts)
    frames, split = split_frames(recordings, split, parts[0].skip * parts[0].stack)
    steps = {name: _samples(data, own) for name, own in frames.items()}
    kwargs = _policy_kwargs(chosen, gaze)
    stack = chosen["frame_stack"]
    stacked = None if stack is None else (lambda env: VecFrameStack(env, stack))
    with_env = make_env(env_id, 1, with_device(env_id, options, device), wrappers=(stacked,))
    try:
        model = _agent(chosen["policy"], kwargs, with_env, seed, device)
        _check_observations(model.policy, data, steps["train"])
        facts = {
            "trials": {recording.name: recording.recording.digest for recording in recordings},
            "split": split,
            "gaze_model": None if gaze is None else _digest(gaze),
        }
        config = {
            "algo": IMITATION,
            "env": env_id,
            "env_kwargs": with_model(env_id, options),
            "hyperparams": {**_without(chosen, "env_kwargs"), **asdict(settings)},
            **describe_policy(model, IMITATION),
            "seed": seed,
            "imitation": facts,
            "command": command or f"objwrappers.clone({env_id!r}, {str(trials)!r})",
            PERCEIVED: perceived(with_env),
            "versions": {name: version(name) for name in VERSIONED},
        }
        run = _run_folder(Path(log_folder), env_id, config)
        if gaze is not None:
            _give(model.policy, gaze)
        imitation = Imitation(
            model.policy,
            (data, steps["train"]),
            (data, steps["validation"]),
            settings,
            run,
            facts,
            Path(log_folder) / "tensorboard" / env_id / f"BC_{run.name.rpartition('_')[2]}",
        )
        _write(run, config)
        imitation.fit(progress)
        tested = action_figures(
            predict(model.policy, data, steps["test"]), data.actions[steps["test"]]
        )
        config |= {
            "trained_timesteps": imitation.step,
            "samples": {name: len(own) for name, own in steps.items()},
            "validation": imitation.best,
            "test": {
                "agent": tested,
                **baseline_figures(
                    data.actions,
                    {"last frame": data.previous, "last step": data.earlier},
                    steps["train"],
                    steps["test"],
                ),
            },
        }
        _write(run, config)
        archive = run / f"{env_id}.zip"
        save_agent(model, archive)
        imitation.close()
    finally:
        with_env.close()
    return archive


def read_hyperparams(
    env_id: str, changes: Mapping[str, Any], conf_file: str | Path | None = None
) -> tuple[dict[str, Any], Settings]:
    """Returns the hyperparameters of an id, or of its family, with changes to them.

    Args:
        env_id: ``"ObjFrames-MsPacman-v0"``.
        changes: Name → value.
        conf_file: YAML; by default ``hyperparams/bc.yml``.

    Returns:
        Those of the agent (:data:`OWN`), None where nothing is said, and those of its training.

    Raises:
        ValueError: No entry for the id, no such hyperparameter, or no such method.
    """
    path = Path(conf_file) if conf_file is not None else default_hyperparams(IMITATION)
    entries = read_entries(path)
    family = family_of(env_id)
    names = (env_id, *([] if family is None else [family.name]))
    entry = next((entries[name] for name in names if name in entries), None)
    if entry is None:
        raise ValueError(f"{path} has no hyperparameters for {env_id}: there are {[*entries]}.")
    found = {**entry, **changes}
    known = (*OWN, *Settings.names())
    for name in found:
        check_name("hyperparameter", name, known)
    chosen = {name: found.get(name) for name in OWN}
    chosen["method"] = chosen["method"] or "plain"
    method_named(str(chosen["method"]))
    return chosen, Settings(**{k: v for k, v in found.items() if k not in OWN})


def _recordings(trials: str | Path, task: str) -> list[HumanRecording]:
    if (Path(trials) / INDEX_NAME).is_file():
        recordings = [HumanRecording(trials)]
    else:
        found = trials_of_one_game(trials, rom_name(task))
        recordings = [human_recording(trial) for trial in found]
    if recordings[0].task != task:
        raise ValueError(f"{trials} is play of {recordings[0].task}, not of {task}.")
    return recordings


def _gaze_model(
    chosen: dict[str, Any], task: str, weights: str | Path | None, device: str
) -> Any | None:
    method = method_named(chosen["method"])
    if chosen["method"] != "plain" and policy_named(IMITATION, chosen["policy"]) is not GazePolicy:
        raise ValueError(
            f"method {chosen['method']!r} is of GazePolicy, on pixels; {chosen['policy']} has "
            "'plain' alone."
        )
    if not method.sees_gaze:
        if weights is not None:
            raise ValueError(f"method {chosen['method']!r} needs no gaze model in play.")
        return None
    name = chosen["gaze"] or "motion"
    if weights is not None:
        _, name = family_and_model_of(weights)
    return load_model(name, task, weights, device, family="gaze")


def _policy_kwargs(chosen: dict[str, Any], gaze: Any | None) -> dict[str, Any]:
    kwargs = dict(chosen["policy_kwargs"] or {})
    if policy_named(IMITATION, chosen["policy"]) is GazePolicy:
        extractor = {**kwargs.get("features_extractor_kwargs", {}), "method": chosen["method"]}
        if gaze is not None:
            extractor["gaze"] = {"model": gaze.name, **gaze.arguments}
        kwargs["features_extractor_kwargs"] = extractor
    return kwargs


def _agent(name: str, kwargs: dict[str, Any], env: VecEnv, seed: int, device: str) -> PPO:
    # Of PPO's own settings none is of use here; small rollouts need no memory.
    policy: Any = policy_named(IMITATION, name)
    return PPO(
        policy,
        env,
        n_steps=2,
        batch_size=2,
        policy_kwargs=kwargs,
        seed=seed,
        device=device,
    )


def _give(policy: ActorCriticPolicy, gaze: Any) -> None:
    for module in policy.modules():
        if isinstance(module, GazeExtractor) and module.gaze is not None:
            module.gaze.load_state_dict(gaze.state_dict())


def _samples(data: Several, parts: list[np.ndarray]) -> np.ndarray:
    steps = np.concatenate([own + offset for own, offset in zip(parts, data.offsets, strict=True)])
    return steps[data.actions[steps] >= 0]


def _check_observations(policy: ActorCriticPolicy, data: Several, steps: np.ndarray) -> None:
    """Checks that recorded play is observed as the env is played."""
    if not len(steps):
        raise ValueError("There are no frames with a known action to learn from.")
    seen = data.batch(steps[:1])["observations"]
    space: Any = policy.observation_space
    for key, box in getattr(space, "spaces", {"": space}).items():
        shape = tuple((seen[key] if isinstance(seen, dict) else seen).shape[1:])
        if shape != box.shape:
            raise ValueError(
                f"Recorded play would be observed as {shape}, and the env is played with "
                f"{box.shape}: options that change the shape of observations are not imitated."
            )


def _run_folder(folder: Path, env_id: str, config: dict[str, Any]) -> Path:
    """Returns the folder of a training of the same settings that was cut off, or a new one."""
    runs = folder / IMITATION
    latest = get_latest_run_id(str(runs), env_id)
    last = runs / f"{env_id}_{latest}"
    if (last / CHECKPOINT_NAME).is_file() and not (last / f"{env_id}.zip").is_file():
        there, here = read_json(last / CONFIG_NAME), json.loads(json.dumps(config, default=str))
        if all(there.get(name) == here[name] for name in here.keys() - {"command"}):
            return last
    run = runs / f"{env_id}_{latest + 1}"
    run.mkdir(parents=True)
    return run


def _write(run: Path, config: dict[str, Any]) -> None:
    with write_atomically(run / CONFIG_NAME) as file:
        file.write((json.dumps(config, indent=2, default=str) + "\n").encode())


def _digest(module: Any) -> str:
    content = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        content.update(name.encode())
        content.update(tensor.cpu().contiguous().numpy().tobytes())
    return content.hexdigest()


def _without(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}
