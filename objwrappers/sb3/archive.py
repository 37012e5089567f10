"""Policies from Stable-Baselines3 archives, without running anything that is in them.

* :func:`read_policy`: the tensors of an archive in a policy that the caller describes, by
  :func:`~objwrappers.sb3.policy_table.policy_named`, say

An archive's ``data`` is pickles, which run code when they are read: it is left alone.
"""

from __future__ import annotations

import copy
import io
import math
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.ars.policies import ARSPolicy
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.utils import get_device
from stable_baselines3.common.vec_env import VecTransposeImage
from torch import Tensor
from torch.overrides import TorchFunctionMode

from objwrappers.checkpoints import check_records
from objwrappers.names import unknown_name
from objwrappers.sb3.policy_table import ACTIVATIONS

__all__ = ["read_policy"]

MEMBERS = (
    *("data", "policy.pth", "policy.optimizer.pth", "pytorch_variables.pth"),
    *("policy.actor.optimizer.pth", "policy.critic.optimizer.pth"),
    *("actor.optimizer.pth", "critic.optimizer.pth", "ent_coef_optimizer.pth"),
    *("_stable_baselines3_version", "system_info.txt"),
)
"""What Stable-Baselines3 writes."""

WEIGHTS = "policy.pth"
MAX_POLICY_BYTES = 2**31
SLACK_BYTES = 2**20  # of a policy.pth beyond its numbers
MAX_DIRECTORY_BYTES = 2**16  # of an archive's list of members
MAX_PARTS = 1_000  # of policy_kwargs
MAX_CALLS = 50_000  # of torch, to build a policy; large ones take some hundreds
_END = struct.Struct("<4s4H2LH")  # a ZIP's last bytes


def read_policy(
    path: str | Path,
    policy_class: type[BasePolicy],
    observation_space: spaces.Space,
    action_space: spaces.Space,
    policy_kwargs: Mapping[str, Any] | None = None,
    device: torch.device | str = "auto",
) -> BasePolicy:
    """Reads the policy of an archive that ``model.save`` wrote; it is ready to predict.

    Args:
        path: The archive.
        policy_class: By :func:`~objwrappers.sb3.policy_table.policy_named`.
        observation_space: Of the env that it was trained in, with its stack of frames. Images may
            have their channels first or last.
        action_space: Of that env.
        policy_kwargs: Those of its training, as JSON gives them: ``net_arch``, ``network``,
            ``lstm_hidden_size`` …, and ``use_sde``; ``activation_fn`` is a name of
            :data:`~objwrappers.sb3.policy_table.ACTIVATIONS`, and no other string stands for
            anything but itself.
        device: Of the policy.

    Returns:
        The policy in evaluation mode. ``predict(observation, state, episode_start,
        deterministic)`` works as the model's; one of value-based algorithms is greedy.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A policy that cannot be built so, or an archive that is damaged, has members
            that Stable-Baselines3 does not write, or does not hold this policy's tensors, all of
            them finite; the message names the file.
    """
    path = Path(path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f"{path} is no file.")
    options = _checked(policy_kwargs or {}, path)
    seen = _as_trained(observation_space)

    def build() -> BasePolicy:
        schedule = () if issubclass(policy_class, ARSPolicy) else (_zero,)
        # Reading an agent does not change what is drawn after.
        with torch.random.fork_rng(devices=[]):
            return policy_class(seen, action_space, *schedule, **copy.deepcopy(options))

    try:
        # Without memory, so that options of any size do no harm.
        with torch.device("meta"), _WithoutMemory():
            wanted = {
                name: (tuple(one.shape), one.dtype) for name, one in build().state_dict().items()
            }
    except Exception as error:
        raise ValueError(
            f"{path}: {policy_class.__name__} cannot be built for {observation_space} and "
            f"{action_space} with {dict(policy_kwargs or {})}: {error}"
        ) from error
    state = _read_state(path, wanted)
    policy = build()
    policy.load_state_dict(state)
    policy.set_training_mode(False)
    return policy.to(get_device(device))


class _WithoutMemory(TorchFunctionMode):
    """Policies move their parts to a device as they are built; on the meta device they stay.

    Raises ValueError for a policy of very many parts, which would take very long.
    """

    calls = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise ValueError("it has too many parts.")
        return args[0] if func is torch.Tensor.to else func(*args, **(kwargs or {}))


def _zero(_: float) -> float:
    return 0.0


def _as_trained(space: spaces.Space) -> spaces.Space:
    """Returns an env's observation space as Stable-Baselines3 shows it to policies."""
    parts = space.spaces if isinstance(space, spaces.Dict) else {"": space}
    images = [one for one in parts.values() if isinstance(one, spaces.Box) and is_image_space(one)]
    if all(is_image_space_channels_first(one) for one in images):
        return space
    turned = {
        key: VecTransposeImage.transpose_space(one, key)
        if isinstance(one, spaces.Box) and one in images
        else one
        for key, one in parts.items()
    }
    return spaces.Dict(turned) if isinstance(space, spaces.Dict) else turned[""]


def _checked(policy_kwargs: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Returns the options, ``activation_fn`` as a class; raises ValueError for what is no JSON."""
    options = dict(policy_kwargs)
    rest: list[Any] = [options]
    parts = 0
    while rest:
        part = rest.pop()
        parts += 1
        if isinstance(part, Mapping) and all(isinstance(key, str) for key in part):
            rest += part.values()
        elif isinstance(part, list | tuple):
            rest += part
        elif not (part is None or isinstance(part, str | int | float)) or (
            isinstance(part, float) and not math.isfinite(part)
        ):
            raise ValueError(
                f"{path}: policy_kwargs must be finite numbers, strings, lists and dicts of "
                f"them, got {part!r}."
            )
        if parts > MAX_PARTS:
            raise ValueError(f"{path}: policy_kwargs have more than {MAX_PARTS} parts.")
    if "activation_fn" in options:
        name = options["activation_fn"]
        if not isinstance(name, str) or name not in ACTIVATIONS:
            raise ValueError(f"{path}: {unknown_name('activation_fn', name, ACTIVATIONS)}")
        options["activation_fn"] = ACTIVATIONS[name]
    return options


Shapes = dict[str, tuple[tuple[int, ...], torch.dtype]]


def _read_state(path: Path, wanted: Shapes) -> dict[str, Tensor]:
    """Reads the tensors that a policy needs; all that is not as it should be is a ValueError."""
    size = sum(math.prod(shape) * dtype.itemsize for shape, dtype in wanted.values())
    if size > MAX_POLICY_BYTES:
        raise ValueError(
            f"{path}: a policy of {size:,} bytes was asked for; {MAX_POLICY_BYTES:,} are allowed."
        )
    try:
        content = _read_member(path, size + SLACK_BYTES)
        check_records(content)
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return _matched(state, wanted)
    except Exception as error:
        # Damaged bytes make zipfile, its decompressors and torch raise errors of many kinds.
        raise ValueError(f"{path} cannot be read as this policy: {error}") from error


def _read_member(path: Path, limit: int) -> bytes:
    """Returns the bytes of the archive's weights, at most so many."""
    with path.open("rb") as file:
        _check_end(file)
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if foreign := sorted(set(names) - set(MEMBERS)):
                raise ValueError(f"Stable-Baselines3 writes no {foreign[0]!r} into archives.")
            if len(set(names)) < len(names) or WEIGHTS not in names:
                raise ValueError(f"it must have one {WEIGHTS}, and nothing twice: {names}.")
            declared = archive.getinfo(WEIGHTS).file_size
            if declared > limit:
                raise ValueError(f"its {WEIGHTS} has {declared:,} bytes, at most {limit:,} fit.")
            return archive.read(WEIGHTS)


def _check_end(file: Any) -> None:
    """Raises ValueError for a ZIP with a long list of members, before it is read."""
    # With nothing after the end and no ZIP64 record before it, zipfile trusts these numbers.
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - 20 - _END.size))
    tail = file.read()
    if len(tail) < _END.size:
        raise ValueError("it is no ZIP.")
    signature, *_, directory, _, comment = _END.unpack(tail[-_END.size :])
    if signature != b"PK\5\6" or comment or tail.startswith(b"PK\6\7"):
        raise ValueError("it does not end as Stable-Baselines3's archives do.")
    if directory > MAX_DIRECTORY_BYTES:
        raise ValueError(f"its list of members has {directory:,} bytes.")


def _matched(state: Any, wanted: Shapes) -> dict[str, Tensor]:
    """Returns the tensors; raises ValueError unless they are those wanted, and finite."""
    if not isinstance(state, dict) or not all(isinstance(one, Tensor) for one in state.values()):
        raise ValueError(f"{WEIGHTS} holds no tensors by name.")
    missing, foreign = sorted(wanted.keys() - state.keys()), state.keys() - wanted.keys()
    if missing or foreign:
        raise ValueError(
            f"its tensors are those of another policy: without {missing[:3]}, "
            f"with {sorted(map(str, foreign))[:3]}."
        )
    for name, (shape, dtype) in wanted.items():
        one = state[name]
        if tuple(one.shape) != shape or one.dtype != dtype or one.layout != torch.strided:
            raise ValueError(
                f"{name!r} is {one.dtype} of {tuple(one.shape)}, not {dtype} of {shape}."
            )
        if not torch.isfinite(one).all():
            raise ValueError(f"{name!r} is not finite.")
    return state
