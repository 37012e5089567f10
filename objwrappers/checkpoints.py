"""Checkpoints of trainings: tensors and plain values, complete or not there at all.

* :func:`save_checkpoint`, :func:`load_checkpoint`
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from objwrappers.files import write_atomically

__all__ = ["load_checkpoint", "save_checkpoint"]


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes a checkpoint; one that is cut off leaves the one before it."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    with write_atomically(path) as file:
        file.write(buffer.getbuffer())


def load_checkpoint(path: Path, cure: str) -> dict[str, Any]:
    """Reads a checkpoint to the processor; nothing in it runs as code.

    Args:
        path: Its file.
        cure: What to do about a damaged one, a sentence for the message.

    Raises:
        ValueError: It is damaged, or of no training.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        state["facts"]
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path} is damaged ({error}). {cure}") from error
    return state
