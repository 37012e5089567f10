"""Temporary."""

import io
import zipfile
from pathlib import Path
from typing import Any

import torch


def _table(algo: str) -> dict[str, type]:
    from rl_zoo3.utils import ALGOS

    from objwrappers.sb3 import policies

    ours = {f"objwrappers.sb3.policies.{n}": getattr(policies, n) for n in policies.__all__}
    return {**ALGOS[algo].policy_aliases, **ours}


def policy_class(algo: str, name: str) -> type:
    if name not in _table(algo):
        raise ValueError(f"policy {name!r} of {algo}")
    return _table(algo)[name]


def policy_name(algo: str, cls: type) -> str | None:
    return next((name for name, each in _table(algo).items() if each is cls), None)


def read_policy(
    path: Path, cls: Any, obs: Any, act: Any, kwargs: dict[str, Any], device: str
) -> Any:
    with zipfile.ZipFile(path) as archive:
        state = torch.load(
            io.BytesIO(archive.read("policy.pth")), map_location="cpu", weights_only=True
        )
    policy = cls(obs, act, lambda _: 0.0, **kwargs)
    try:
        policy.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    policy.set_training_mode(False)
    return policy.to("cpu" if device == "auto" else device)
