"""Context translation scored on episodes that it never saw.

* :func:`score_translation`: pairs of contexts → rows of a table, and strips to look at
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from objwrappers.datasets.demonstrations import Demonstrations, find_demonstrations
from objwrappers.envs.control import ControlEnv
from objwrappers.envs.control_contexts import draw_context, read_context
from objwrappers.metrics.translation import copy_error, frame_error, probe_r2, time_error
from objwrappers.perception.loading import load_model
from objwrappers.rendering.layout import fitted, sheet
from objwrappers.rendering.pictures import write_picture
from objwrappers.scoring.keypoints import FIRST_SEED

__all__ = ["MISMATCHES", "TRANSLATION_HEADS", "score_translation"]

TRANSLATION_HEADS = {
    "translation": "error",
    "copy": "of copy",
    "time_error": "time",
    "time_error_moving": "moving",
    "probe_r2": "probe R2",
    "replayed": "replayed",
    "frozen": "frozen",
}
"""Key of a row → head of its column."""

MISMATCHES = tuple(
    ("default", f"mismatch-{kind}") for kind in ("light", "body", "floor", "background", "all")
)
"""Pairs of contexts, after C-LAIfO."""
PROBED = 100
"""Episodes of the training, of which a linear map learns the joints' angles."""
SETTLED = 0.05
"""Share of an episode's greatest speed below which it no longer moves."""
STRIP_MOMENTS, STRIP_SIDE_PX, STRIPS = 8, 96, 2


def score_translation(
    task: str,
    *,
    weights: str | Path | None = None,
    demonstration: str | Path | None = None,
    pairs: Sequence[tuple[str, str]] = MISMATCHES,
    episodes: int = 50,
    seed: int = FIRST_SEED,
    device: str = "auto",
    picture: str | Path | None = None,
) -> list[dict[str, Any]]:
    """Translates held-out demonstrations: those recorded, and the same in other contexts.

    Args:
        task: ``"reacher-hard"``.
        weights: Of context translation; by default the user's cache, then the bundled ones.
        demonstration: A folder; by default the user's cache, then the bundled ones. Its last tenth
            is scored.
        pairs: Contexts of source and target, in which the episodes are drawn anew, beside the two
            that were recorded; by default those of :data:`MISMATCHES`.
        episodes: Scored, at most.
        seed: Of contexts that are drawn at random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        picture: PNG of strips: source, prediction and truth.

    Returns:
        For each pair: ``contexts``; ``translation``, the squared error of a frame in [0, 1] summed
        over pixels and channels; ``copy``, that of the target's first frame; ``time_error``, how
        many frames a predicted one is away from its nearest in the target's video, and
        ``time_error_moving``, while joints move; ``probe_r2``, of the joints' angles, read from
        the target's features by a linear map that learned of the training's; ``replayed`` and
        ``frozen``, the tracking cost of who does what the demonstration shows, and of who never
        moves.

    Raises:
        FileNotFoundError: There are no demonstrations or weights.
        ValueError: Demonstrations of one view, or of another size than the model's.
    """
    found = find_demonstrations(task, None if demonstration is None else Path(demonstration))
    training, held_out = found.split()
    training, held_out = training.select(slice(PROBED)), held_out.select(slice(episodes))
    model: Any = load_model("context_translation", task, weights, device, family="translation")
    size = (model.image_size, model.image_size)
    if held_out.image_size != size or held_out.num_views < 2:
        raise ValueError(
            f"Translation of {model.image_size} pixels is scored on two views of that size, got "
            f"{held_out.num_views} of {held_out.image_size}."
        )
    with contextlib.closing(_env(held_out)) as env:
        known, (angles, _) = _known(model, training), _motion(training, env)
        joints, moving = _motion(held_out, env)
        rows, strips, labels = [], [], []
        for pair in (None, *pairs):
            if pair is None:
                source, target = held_out.frames[:, 0], held_out.frames[:, 1]
                contexts = f"recorded, {_recorded(held_out, 0)} -> {_recorded(held_out, 1)}"
            else:
                source, target = (
                    _seen(held_out, env, name, (seed, view)) for view, name in enumerate(pair)
                )
                contexts = " -> ".join(pair)
            figures, predicted, z = _score(model, source, target, moving)
            probed = probe_r2(_flat(known), _flat(angles), _flat(z), _flat(joints))
            rows.append({"contexts": contexts, **figures, "probe_r2": probed})
            moments = np.linspace(0, held_out.horizon, STRIP_MOMENTS).round().astype(int)
            for episode in range(min(STRIPS if not pairs else 1, len(held_out))):
                for kind, videos in (
                    ("source", source),
                    ("prediction", predicted),
                    ("truth", target),
                ):
                    shown = videos[episode, moments]
                    strips.append([fitted(one, STRIP_SIDE_PX, STRIP_SIDE_PX) for one in shown])
                    labels.append(f"{kind}\n{contexts}" if kind == "source" else kind)
    if picture is not None:
        write_picture(Path(picture), sheet(strips, labels, [f"step {m}" for m in moments]))
    return rows


def _flat(videos: np.ndarray) -> np.ndarray:
    return videos.reshape(-1, videos.shape[-1])


def _recorded(held_out: Demonstrations, view: int) -> str:
    """Returns what a recorded view's context was called."""
    name = held_out.facts["contexts"][view // len(held_out.cameras)]
    return name if isinstance(name, str) else "given"


def _env(held_out: Demonstrations) -> ControlEnv:
    env = ControlEnv(
        held_out.task,
        observe="both",
        image_size=held_out.image_size,
        camera=held_out.cameras[0],
        action_repeat=held_out.action_repeat,
    )
    env.reset(seed=0)
    env.set_state(held_out.state(0))  # states of another simulation are refused
    return env


def _motion(held_out: Demonstrations, env: ControlEnv) -> tuple[np.ndarray, list[int]]:
    """Returns the joints' positions (N, T + 1, nq), and how many moments of each episode move."""
    nq, nv = env.physics.model.nq, env.physics.model.nv
    speeds = np.abs(held_out.physics[:, :, 1 + nq : 1 + nq + nv]).max(-1)
    moves = speeds > SETTLED * speeds.max(1, keepdims=True)
    last = [int(np.flatnonzero(row)[-1]) + 1 if row.any() else 1 for row in moves]
    return held_out.physics[:, :, 1 : 1 + nq], last


def _seen(
    held_out: Demonstrations, env: ControlEnv, name: str, seed: tuple[int, int]
) -> np.ndarray:
    """Draws the episodes anew, uint8 (N, T + 1, h, w, 3)."""
    look, rng = read_context(name), np.random.default_rng(seed)
    videos = []
    for episode in range(len(held_out)):
        context = draw_context(look, rng)
        frames = []
        for step in range(held_out.horizon + 1):
            env.set_state(held_out.state(episode, step))
            frames.append(env.frame(context))
        videos.append(np.stack(frames))
    return np.stack(videos)


@torch.inference_mode()
def _score(
    model: Any, source: np.ndarray, target: np.ndarray, moving: list[int]
) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Returns the figures; the predicted frames, uint8; the target's features (N, T + 1, Z)."""
    device = model.scale.device
    videos, truths = (torch.from_numpy(part).to(device) for part in (source, target))
    features, pictures, own = [], [], []
    for video, truth in zip(videos, truths, strict=True):
        found = model.translate(video[None], truth[None, 0])
        features.append(found.features[0])
        pictures.append((255 * found.frames[0]).round().byte())
        own.append(model.encode(truth))
    predicted, theirs = torch.stack(features), torch.stack(own)
    ahead, z = predicted.cpu().numpy(), theirs.cpu().numpy()
    made = torch.stack(pictures).cpu().numpy()
    figures = {
        "translation": frame_error(made, target),
        "copy": copy_error(target, target[:, 0]),
        "time_error": float(np.mean([time_error(*pair) for pair in zip(ahead, z, strict=True)])),
        "time_error_moving": float(
            np.mean([time_error(*one) for one in zip(ahead, z, moving, strict=True)])
        ),
        "replayed": float(model.cost(theirs[:, 1:], predicted[:, 1:]).mean()),
        "frozen": float(model.cost(theirs[:, :1], predicted[:, 1:]).mean()),
    }
    return figures, made, z


@torch.inference_mode()
def _known(model: Any, training: Demonstrations) -> np.ndarray:
    """Returns features of the training's frames, in all recorded contexts by turns."""
    views = [i % training.num_views for i in range(len(training))]
    frames = torch.from_numpy(training.frames[range(len(training)), views])
    return np.stack([model.encode(one.to(model.scale.device)).cpu().numpy() for one in frames])
