"""What can be trained and stored: a loss, how it is minimised, and a folder on disk.

:class:`Trainable` is what the training loop and the weights' folders know; a
:class:`~objwrappers.perception.base.PerceptionModule` perceives as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from objwrappers.perception.arguments import check_arguments
from objwrappers.perception.optimization import Optimization, adam
from objwrappers.perception.storage import (
    CONFIG_NAME,
    DEFAULT_FAMILY,
    WEIGHTS_NAME,
    locate,
    read_config,
    read_tensors,
    write_weights,
)

__all__ = ["Trainable"]


class Trainable(nn.Module, PyTorchModelHubMixin):
    """A model with a loss, stored as config.json and model.safetensors.

    A subclass keeps its constructor's arguments JSON-serialisable and annotated: they are in
    ``config.json``, and what a stranger's file says is checked against the annotations.

    Attributes:
        name: By which :func:`~objwrappers.perception.loading.load_model` knows it.
        family: Of models that answer the same question; names are unique inside one.
        stored_dtype: Of parameters on disk; where half as many bits do, a folder is half as large.
        monitor: The figure of validation that chooses a checkpoint; less is better.
        gradient_clip_norm: Largest norm of the gradient, over all groups together; None clips
            nothing.
        settled: Share of the steps from which on a checkpoint may be chosen, or the training
            end for want of progress; before, a model's own schedules still move.
        channels: Order of the frames' channels, ``"RGB"`` or ``"grey"``; weights trained on
            another are refused.
        record: What ``config.json`` holds beside the arguments: ``trained_on`` (task, noise,
            channels) and ``training`` (command, steps, seed, losses).
    """

    name: ClassVar[str]
    family: ClassVar[str] = DEFAULT_FAMILY
    stored_dtype: ClassVar[torch.dtype] = torch.float32
    monitor: ClassVar[str] = "loss"
    gradient_clip_norm: float | None = None
    settled: float = 0.7
    channels: str = "RGB"

    def __init__(self) -> None:
        super().__init__()
        self.record: dict[str, Any] = {}

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = self._hub_mixin_config
        return dict(config) if isinstance(config, dict) else {}

    def loss(self, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Returns the total under ``"loss"`` and each term under its published name.

        Args:
            batch: Of the model's dataset.
            progress: Share of the training done, in [0, 1]; schedules hang on it.
        """
        raise NotImplementedError

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Returns the parameters as the optimiser takes them."""
        return [{"params": [p for p in self.parameters() if p.requires_grad]}]

    def configure_optimizers(self, settings: Mapping[str, Any], total_steps: int) -> Optimization:
        """Returns the optimiser and its schedule.

        Here Adam on :meth:`parameter_groups` at ``learning_rate``, over the last fifth of the
        steps at ``final_learning_rate``, where the settings have one.

        Args:
            settings: Hyperparameters, those of hyperparams/perception.
            total_steps: Of the training.

        Raises:
            ValueError: A learning rate that is no positive number.
        """
        return adam(self.parameter_groups(), settings, total_steps)

    def settle(self, draw: Callable[[int], Tensor]) -> None:
        """Learns what can be learned only after training, once, before weights are written.

        Args:
            draw: Number → as many frames of the training at most, uint8 (N, h, w, 3).
        """

    def pictures(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns float32 (B, 3, h, w) images in [0, 1] that show how training goes."""
        raise NotImplementedError

    def percepts(self, batch: dict[str, Tensor]) -> dict[str, Tensor] | None:
        """Returns what to draw over the first of the :meth:`pictures`; here nothing."""
        return None

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> None:
        """Writes config.json and model.safetensors; the folder appears complete or not at all.

        Args:
            save_directory: Replaced if it exists.

        Raises:
            FileExistsError: The folder holds anything else than weights.
            OSError: The disk is full, say; an existing folder is untouched then.
        """
        config = {"family": self.family, "model": self.name, **self.arguments, **self.record}
        state = self.state_dict()
        for name, parameter in self.named_parameters():
            rounded = parameter.detach().to(self.stored_dtype)
            # What is too large for fewer bits keeps all of them.
            if name in state and torch.isfinite(rounded).all():
                state[name] = rounded
        write_weights(save_directory, config, state)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        **options: Any,
    ) -> Self:
        """Loads weights, in evaluation mode; JSON and safetensors are read, code is never run.

        Args:
            pretrained_model_name_or_path: A folder or a hub repository, ``"user/name"`` or
                ``"user/name@revision"``.
            revision: Of the repository.
            options: Of ``hf_hub_download`` (``cache_dir``, ``token``, ...), and arguments of the
                constructor, which replace those in config.json.

        Raises:
            FileNotFoundError: There are no weights.
            ValueError: Weights that are damaged, hold NaN or infinity, or belong to another model
                or to other arguments; the message names the file.
        """
        # The mixin's own loader prints, is not strict, and falls back to pickles.
        parameters = cls._hub_mixin_init_parameters
        changed = {key: options.pop(key) for key in [*options] if key in parameters}
        options = {key: value for key, value in options.items() if key in _HUB_OPTIONS}
        source, hub = pretrained_model_name_or_path, {**options, "revision": revision}
        config = read_config(source, **hub)
        arguments = {key: config[key] for key in parameters if key in config} | changed
        where = f"{source}/{CONFIG_NAME}"
        expected = cls._skeleton(config, arguments, where)
        path = locate(source, WEIGHTS_NAME, **hub)
        try:
            # Shapes are compared before memory is taken.
            state = read_tensors(path, expected.state_dict(), config.get("sha256"))
            model = cls(**arguments)
            model.load_state_dict(state)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{source} has no {WEIGHTS_NAME}.") from error
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path} does not hold the weights of a {cls.name} model with "
                f"{arguments}: {str(error).strip()}"
            ) from error
        facts = {*arguments, "family", "model", "sha256"}
        model.record = {key: value for key, value in config.items() if key not in facts}
        return model.eval()

    @classmethod
    def _skeleton(cls, config: dict[str, Any], arguments: dict[str, Any], where: str) -> Self:
        """A model without memory, to see what the arguments ask for."""
        stated = (config["family"], config.get("model", cls.name))
        if stated != (cls.family, cls.name):
            raise ValueError(
                f"{where} is of {stated[0]} {stated[1]!r}, not of {cls.family} {cls.name!r}."
            )
        try:
            check_arguments(cls, arguments)
            with torch.device("meta"):
                model = cls(**arguments)
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError) as error:
            raise ValueError(f"{where} is not one of a {cls.name}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        channels = config.get("trained_on", {}).get("channels", model.channels)
        if channels != model.channels:
            raise ValueError(
                f"{where}: trained on {channels} frames, but {cls.name} reads {model.channels}."
            )
        return model


_HUB_OPTIONS = ("cache_dir", "force_download", "local_files_only", "token")
