"""What a perception model is, how it is trained and stored, where its weights are found.

* :class:`PerceptionModel`: the protocol, a pure function of frames
* :class:`PerceptionModule`: a model with parameters, a loss and a folder on disk
* :func:`load_model`: name and game → frozen model
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import gymnasium as gym
import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from objwrappers.files import cache_folder, recover_folder, write_folder_atomically
from objwrappers.perception.layers import AreaResize

__all__ = [
    "MODELS",
    "PerceptionModel",
    "PerceptionModule",
    "check_device",
    "check_replaceable",
    "find_weights",
    "load_model",
    "model_class",
    "model_of",
    "model_presets",
    "weights_name",
]

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
BUNDLED = Path(__file__).parent / "weights"

MODELS: dict[str, str] = {
    "motion": "objwrappers.perception.motion_keypoints:MotionKeypoints",
    "permakey": "objwrappers.perception.permakey:PermaKey",
    "student": "objwrappers.perception.student:Student",
    "transporter": "objwrappers.perception.transporter:Transporter",
}
"""Name of a model → its class, as a string so that only the model asked for is imported."""


@runtime_checkable
class PerceptionModel(Protocol):
    """A pure function of frames: it knows no env, keeps no state and needs no reset.

    Attributes:
        observation_space: Of one env; a flat Dict of Boxes, float32 or uint8, of fixed shapes.
        stack: Frames that the model looks at, S.
    """

    observation_space: gym.spaces.Dict
    stack: int

    def __call__(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives a batch.

        Args:
            frames: uint8 (B, H, W, 3), or (B, S, H, W, 3) where S > 1; native RGB.

        Returns:
            One tensor (B, ...) for each key of the observation space.
        """
        ...


class PerceptionModule(nn.Module, PyTorchModelHubMixin):
    """A perception model that can be trained and stored as config.json and model.safetensors.

    A subclass keeps its constructor's arguments JSON-serialisable: they are the ``config.json``.

    Attributes:
        name: By which :func:`load_model` and the ids know it.
        size: Side of the square frames that the network reads, pixels.
        record: What ``config.json`` holds beside the arguments (game, steps, seed, losses).
    """

    name: ClassVar[str]
    size: ClassVar[int] = 84
    stack: int = 1
    observation_space: gym.spaces.Dict

    def __init__(self) -> None:
        super().__init__()
        self.resize = AreaResize(self.size)
        self.record: dict[str, Any] = {}

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments."""
        assert isinstance(self._hub_mixin_config, dict)
        return self._hub_mixin_config

    def perceive(self, images: Tensor) -> dict[str, Tensor]:
        """Perceives small images, float32 (B, 3, size, size) in [0, 1]."""
        raise NotImplementedError

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Returns the total under ``"loss"`` and each term under its published name.

        Args:
            batch: Of the model's dataset.
            progress: Share of the training done, in [0, 1]; schedules hang on it.
        """
        raise NotImplementedError

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns float32 (B, 3, h, w) images in [0, 1] that show how training goes."""
        raise NotImplementedError

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Returns the parameters as the optimiser takes them."""
        return [{"params": [p for p in self.parameters() if p.requires_grad]}]

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Perceives native frames; see :meth:`PerceptionModel.__call__`.

        On CUDA the network runs under autocast and memory is channels-last.

        Raises:
            ValueError: Frames of another shape or dtype.
        """
        if (
            frames.dtype != torch.uint8
            or frames.ndim != 4
            or frames.shape[-1] != 3
            or 0 in frames.shape[1:]
        ):
            raise ValueError(
                "Frames must be uint8 of shape (B, H, W, 3), got "
                f"{frames.dtype} of shape {tuple(frames.shape)}."
            )
        images = self.resize(frames).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cuda", enabled=images.is_cuda):
            percepts = self.perceive(images)
        return {key: value.float() for key, value in percepts.items()}

    def images(self, frames: Tensor) -> Tensor:
        """Small uint8 (B, size, size, 3) frames → float32 (B, 3, size, size) in [0, 1]."""
        x = frames.permute(0, 3, 1, 2).float() / 255
        return x.contiguous(memory_format=torch.channels_last)

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> None:
        """Writes config.json and model.safetensors; the folder appears complete or not at all.

        Args:
            save_directory: Replaced if it exists.

        Raises:
            FileExistsError: The folder holds anything else than weights.
            OSError: The disk is full, say; an existing folder is untouched then.
        """
        folder = Path(save_directory)
        check_replaceable(folder)
        with write_folder_atomically(folder) as temporary:
            state = {key: value.contiguous() for key, value in self.state_dict().items()}
            try:
                save_file(state, temporary / WEIGHTS_NAME)
            except SafetensorError as error:
                raise OSError(f"{folder} cannot be written: {error}") from error
            os.chmod(temporary / WEIGHTS_NAME, 0o644)
            config = {"model": self.name, **self.arguments, **self.record}
            (temporary / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n")

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **arguments: Any,
    ) -> Self:
        # The mixin's own loader prints, is not strict, and falls back to pickles.
        folder = Path(model_id)
        path: str | Path = folder / WEIGHTS_NAME
        if not folder.is_dir():
            path = hf_hub_download(
                model_id,
                WEIGHTS_NAME,
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                token=token,
                local_files_only=local_files_only,
            )
        model = cls(**arguments)
        try:
            model.load_state_dict(load_file(path))
        except (SafetensorError, RuntimeError, OSError) as error:
            raise ValueError(
                f"{path} does not hold the weights of a {cls.name} model with "
                f"{arguments}: {str(error).strip()}"
            ) from error
        return model.eval()


def check_replaceable(folder: str | Path) -> None:
    """Checks that weights may be written to a folder.

    Raises:
        FileExistsError: It holds anything else than weights, which would be lost.
    """
    folder = Path(folder)
    recover_folder(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; give a folder for the weights.")
    others = sorted({path.name for path in folder.iterdir()} - {CONFIG_NAME, WEIGHTS_NAME})
    if others:
        raise FileExistsError(
            f"{folder} holds other files, which would be lost ({', '.join(others[:3])}); give "
            "another folder for the weights."
        )


def model_class(name: str) -> type[PerceptionModule]:
    """Returns the class of a model.

    Raises:
        ValueError: No such model; the message lists those that exist.
    """
    if name not in MODELS:
        nearest = difflib.get_close_matches(name, MODELS, n=1)
        hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
        raise ValueError(f"Unknown perception model {name!r}. {hint}There are {', '.join(MODELS)}.")
    module, attribute = MODELS[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def model_presets(name: str) -> dict[str, dict[str, Any]]:
    """Returns the named sets of a model's constructor arguments; empty if it has none.

    Raises:
        ValueError: No such model.
    """
    return getattr(sys.modules[model_class(name).__module__], "PRESETS", {})


def model_of(weights: str | Path) -> str:
    """Returns the name of the model whose weights a folder or hub repository holds.

    Raises:
        FileNotFoundError: There is no such folder or repository.
        ValueError: Its config.json is damaged, or names no model.
    """
    name = _read_config(str(weights)).get("model")
    model_class(str(name))
    return str(name)


def weights_name(model: str, game: str, noise: str = "none") -> str:
    """Returns the name of a weights folder, ``"motion-MsPacman"`` or ``"motion-MsPacman-both"``."""
    return f"{model}-{game}" if noise == "none" else f"{model}-{game}-{noise}"


def find_weights(model: str, game: str, noise: str = "none") -> Path:
    """Returns the folder of a model's weights: in the user's cache, else the bundled one.

    Where none were trained under the noise, those trained without it are found, with a warning.

    Raises:
        FileNotFoundError: Neither exists; the message is the command that makes them.
    """
    learns = "--teacher motion" if model == "student" else f"--model {model}"
    command = f"python zoo/pretrain.py {learns} --game {game}"
    for trained_under in dict.fromkeys((noise, "none")):
        name = weights_name(model, game, trained_under)
        cached = cache_folder("weights", name)
        recover_folder(cached)
        for folder in (cached, BUNDLED / name):
            if (folder / CONFIG_NAME).exists():
                if trained_under != noise:
                    warnings.warn(
                        f"{folder} was trained without bars. Train weights for them: "
                        f"{command} --noise {noise}",
                        stacklevel=3,
                    )
                return folder
    raise FileNotFoundError(
        f"There are no weights of {model!r} for {game}. Make them: {command}"
        + ("" if noise == "none" else f" --noise {noise}")
    )


def load_model(
    model: str,
    game: str,
    weights: str | Path | None = None,
    device: str = "auto",
    noise: str = "none",
) -> PerceptionModule:
    """Loads a frozen model, ready to perceive.

    Weights are data: JSON and safetensors are read, code is never run.

    Args:
        model: ``"motion"``, ``"permakey"``, ``"student"`` or ``"transporter"``.
        game: As ids spell it, ``"MsPacman"``.
        weights: A folder or a hub repository (``"user/name"``, ``"user/name@revision"``);
            by default the user's cache, then the bundled weights.
        device: ``"auto"`` is CUDA where there is one, else the processor.
        noise: Bars that the frames have; weights trained under them are looked for first.

    Raises:
        FileNotFoundError: There are no weights; the message says how to make them.
        ValueError: No such model or device, or weights that are damaged or belong to another
            model.
    """
    cls = model_class(model)
    device = check_device(device)
    source = str(weights) if weights is not None else str(find_weights(model, game, noise))
    config = _read_config(source)
    if config.get("model") != model:
        raise ValueError(
            f"{source} holds weights of {config.get('model')!r}, not of {model!r}; "
            f"pass model={config.get('model')!r} or other weights."
        )
    revision = ""
    if not Path(source).is_dir():
        source, _, revision = source.partition("@")
    try:
        module = cls.from_pretrained(source, revision=revision or None)
    except (RuntimeError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"{source}/{CONFIG_NAME} is not one of a {model}: {error}") from error
    module.record = {k: v for k, v in config.items() if k not in {"model", *module.arguments}}
    if module.record.get("game", game) != game:
        warnings.warn(f"{source} was trained on {module.record['game']}, not {game}.", stacklevel=2)
    # Only the keyword form of .to() knows memory formats, and the stubs do not know it.
    return module.requires_grad_(False).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def check_device(device: str) -> str:
    """Returns the device, or raises ValueError where there is none of this name."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(f"There is no device {device!r}: pass auto, cpu or cuda.") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={device!r}, but torch finds no CUDA; pass 'cpu' or 'auto'.")
    return device


def _read_config(source: str) -> dict[str, Any]:
    path: str | Path = Path(source) / CONFIG_NAME
    if not Path(source).is_dir():
        repository, _, revision = source.partition("@")
        if repository.count("/") != 1 or repository.startswith(("/", ".", "~")):
            raise FileNotFoundError(
                f"weights={source!r} is neither a folder nor a hub repository, user/name."
            )
        try:
            path = hf_hub_download(repository, CONFIG_NAME, revision=revision or None)
        except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
            raise FileNotFoundError(
                f"weights={source!r} is neither a folder nor a hub repository that can be "
                f"reached: {error}"
            ) from error
    try:
        config = json.loads(Path(path).read_text())
        if not isinstance(config, dict):
            raise ValueError(f"a {type(config).__name__} instead of an object")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{source} is not a weights folder: no {CONFIG_NAME}.") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return config
