"""What a perception model is, how it is trained and how it is stored.

* :class:`FrameFormat`: what kind of frames a model reads
* :class:`PerceptionModel`: the protocol, a pure function of frames
* :class:`PerceptionModule`: a model with parameters, a loss and a folder on disk
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import gymnasium as gym
import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from objwrappers.files import recover_folder, write_folder_atomically
from objwrappers.perception.layers import AreaResize

__all__ = [
    "CONFIG_NAME",
    "FrameFormat",
    "PerceptionModel",
    "PerceptionModule",
    "check_replaceable",
    "frame_format_of",
]

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"


@dataclass(frozen=True)
class FrameFormat:
    """What kind of frames a model reads.

    Attributes:
        height: h, pixels; None for frames of any size.
        width: w, pixels; None for frames of any size.
        grayscale: Grey, (..., h, w, 1), instead of RGB, (..., h, w, 3).
        stack: Frames that the model looks at, S.
    """

    height: int | None = None
    width: int | None = None
    grayscale: bool = False
    stack: int = 1


def frame_format_of(model: Any) -> FrameFormat:
    """Returns what a model says of its frames; native RGB where it says nothing."""
    stated = getattr(model, "frame_format", None)
    return stated or FrameFormat(stack=getattr(model, "stack", 1))


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
    def frame_format(self) -> FrameFormat:
        """What kind of frames the network reads."""
        return FrameFormat(self.size, self.size, stack=self.stack)

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
