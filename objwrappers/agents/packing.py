"""Agents made small enough to ship.

:func:`pack`: the optimiser forgets its moments, target critics become the critics, weights are
rounded and compressed: a ninth of the size. What an agent packs is still a Stable-Baselines3
archive; score the packed one, not the one before. Packing runs no pickle.
"""

from __future__ import annotations

import io
import json
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
import yaml

from objwrappers.agents.envs import whole_games
from objwrappers.agents.normalization import statistics_path
from objwrappers.agents.runs import CONFIG_NAME, LOG_FOLDER, find_archive
from objwrappers.files import read_json, write_folder_atomically

__all__ = ["FLOAT32_BITS", "pack"]

WEIGHTS, OPTIMIZER = "policy.pth", "optimizer.pth"
"""Of an archive's members; agents with several optimisers have names before the latter."""
FLOAT32_BITS = 23
# What the training's last step left behind, and where on its machine it wrote.
FORGOTTEN = (
    *("_last_obs", "_last_episode_starts", "_last_original_obs", "ep_info_buffer"),
    "tensorboard_log",
)
FOLDERS = ("-f", "--log-folder", "-tb", "--tensorboard-log")


def rounded(weights: torch.Tensor, bits: int) -> torch.Tensor:
    """Rounds float32 numbers to so many bits of mantissa, to the nearest."""
    if weights.dtype != torch.float32:
        return weights
    dropped = FLOAT32_BITS - bits
    integers = weights.contiguous().view(torch.int32)
    half = 1 << (dropped - 1)
    return ((integers + half) & -(1 << dropped)).view(torch.float32)


def _caught_up(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Makes target critics equal to the critics: what is there twice takes no room."""
    own = {key: key.replace("critic_target.", "critic.") for key in state}
    return {key: state.get(own[key], value) for key, value in state.items()}


def _pack_archive(source: Path, target: Path, bits: int) -> None:
    """Writes the small archive."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == WEIGHTS or name.endswith(OPTIMIZER):
                state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
                if name == WEIGHTS:
                    state = {key: rounded(value, bits) for key, value in _caught_up(state).items()}
                else:
                    state["state"] = {}
                buffer = io.BytesIO()
                torch.save(state, buffer)
                content = buffer.getvalue()
            elif name == "data":
                data = json.loads(content)
                content = json.dumps({**data, **dict.fromkeys(FORGOTTEN & data.keys())}).encode()
            new.writestr(name, content)


def without_folders(command: str) -> str:
    """Removes from a training's command where it wrote, which is of no use elsewhere."""
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word in FOLDERS:
            next(words, None)
        elif not word.startswith(tuple(f"{name}=" for name in FOLDERS)):
            kept.append(word)
    return shlex.join(kept)


def pack(
    algo: str,
    env_id: str,
    output: str | Path,
    *,
    folder: str | Path = LOG_FOLDER,
    exp_id: int = 0,
    mantissa_bits: int = 6,
) -> tuple[Path, float]:
    """Writes a small copy of a trained agent, with config.json, which says how it was made.

    Args:
        algo: ``"ppo"``.
        env_id: ``"ObjFrames-Breakout-v0"``.
        output: Log folder of packed agents.
        folder: Log folder of the agent's training.
        exp_id: Run in it; 0 is the latest.
        mantissa_bits: Of 23, that are kept of each weight.

    Returns:
        The packed agent's archive, and its share of the size before.

    Raises:
        ValueError: Bits that cannot be kept, or a damaged config.json.
        FileNotFoundError: There is no such agent.
        FileExistsError: The folder of packed agents has one.
    """
    if not 0 < mantissa_bits < FLOAT32_BITS:
        raise ValueError(
            f"mantissa_bits must be from 1 to {FLOAT32_BITS - 1}, got {mantissa_bits}."
        )
    archive = find_archive(algo, env_id, folder, exp_id)
    run = archive.parent
    config: dict[str, Any] = read_json(run / CONFIG_NAME)
    packed = Path(output) / algo / f"{env_id}_1"
    if packed.exists():
        raise FileExistsError(f"{packed} exists; remove it first.")
    packed.parent.mkdir(parents=True, exist_ok=True)
    with write_folder_atomically(packed) as target:
        _pack_archive(archive, target / archive.name, mantissa_bits)
        config["command"] = without_folders(config["command"])
        config["packed"] = {"mantissa_bits": mantissa_bits}
        (target / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n")
        (target / env_id).mkdir()
        env_kwargs = whole_games(env_id, config["env_kwargs"])
        hyperparams = {**config["hyperparams"], "env_kwargs": env_kwargs}
        (target / env_id / "config.yml").write_text(yaml.safe_dump(hyperparams))
        for name in (
            "0.monitor.csv",
            statistics_path(archive).name,
        ):
            if (run / name).exists():
                shutil.copy(run / name, target / name)
    written = packed / archive.name
    return written, written.stat().st_size / archive.stat().st_size
