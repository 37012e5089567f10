"""VecNormalize's statistics on disk, without pickles: safetensors with JSON in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from objwrappers.files import write_atomically

__all__ = ["load_statistics", "save_statistics", "statistics_path"]

OPTIONS = ("norm_obs", "norm_reward", "clip_obs", "clip_reward", "gamma", "epsilon")
MOMENTS = ("mean", "var", "count")


def statistics_path(archive: Path) -> Path:
    """Returns where the statistics of an agent lie: beside its archive."""
    return archive.with_suffix(".normalize.safetensors")


def save_statistics(env: VecNormalize, path: Path) -> None:
    """Writes the running means and variances, and the options that they go with."""
    statistics = {"return": env.ret_rms}
    if env.norm_obs:
        parts = env.obs_rms if isinstance(env.obs_rms, dict) else {"": env.obs_rms}
        statistics |= {f"observation/{key}": each for key, each in parts.items()}
    tensors = {
        f"{kind}/{moment}": np.asarray(getattr(each, moment), np.float64)
        for kind, each in statistics.items()
        for moment in MOMENTS
    }
    options: dict[str, Any] = {name: getattr(env, name) for name in OPTIONS}
    if env.norm_obs:
        options["norm_obs_keys"] = env.norm_obs_keys
    with write_atomically(path) as file:
        file.write(save(tensors, {"options": json.dumps(options)}))


def load_statistics(path: Path, env: VecEnv) -> VecNormalize:
    """Returns the env normalised as it was in training; rewards are the env's own.

    Raises:
        FileNotFoundError: There are no statistics; the agent cannot be played without.
        ValueError: They are damaged, or of other observations.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: the agent was trained on normalised observations or rewards and "
            "cannot be played without their statistics. Copy the file from its training's folder."
        )
    try:
        with safe_open(path, "np") as file:
            options = json.loads(file.metadata()["options"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}
        if set(options) - {*OPTIONS, "norm_obs_keys"}:
            raise ValueError(f"options {sorted(options)}")
        normalised = VecNormalize(env, training=False, **options)
        normalised.ret_rms = _statistics(tensors, "return", ())
        mine: Any = normalised.obs_rms if normalised.norm_obs else {}
        if isinstance(mine, dict):
            for key, each in mine.items():
                mine[key] = _statistics(tensors, f"observation/{key}", each.mean.shape)
        else:
            normalised.obs_rms = _statistics(tensors, "observation/", mine.mean.shape)  # type: ignore[assignment]
    except (AttributeError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ValueError(f"{path} does not hold statistics of this env: {error!r}.") from error
    normalised.norm_reward = False
    return normalised


def _statistics(
    tensors: dict[str, np.ndarray], kind: str, shape: tuple[int, ...]
) -> RunningMeanStd:
    statistics = RunningMeanStd(shape=shape)
    for moment in MOMENTS:
        value = tensors[f"{kind}/{moment}"]
        expected = () if moment == "count" else shape
        if value.shape != expected:
            raise ValueError(f"{kind}/{moment} of shape {value.shape} instead of {expected}")
        if not np.isfinite(value).all() or (moment != "mean" and (value < 0).any()):
            raise ValueError(f"{kind}/{moment} is {value}")
        setattr(statistics, moment, value if expected else float(value))
    return statistics
