"""Recorded human play as an agent of an id would have met it, frame by frame.

* :func:`demonstrations`: a recording → observations and actions
* :func:`split_frames`: which frames are for training, validation and test
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.vec_env.stacked_observations import StackedObservations

from objwrappers.datasets.atari_head.actions import NUM_ACTIONS, actions_of, as_agent_acts
from objwrappers.datasets.atari_head.recording import HumanRecording
from objwrappers.datasets.atari_head.splits import (
    EXAMPLE_RANGES,
    is_official_test,
    range_split,
    tail_split,
)
from objwrappers.datasets.small_frames import small_frames, stream_frames
from objwrappers.envs.raw_stack import RAW_STACK
from objwrappers.metrics.gaze_maps import GazeSamples
from objwrappers.names import check_name
from objwrappers.rendering.last_action import draw_actions
from objwrappers.sb3.cloning.data import Demonstrations
from objwrappers.wrappers.base import VectorTransformFrames
from objwrappers.wrappers.frames import StackedPixels

__all__ = ["SPLITS", "demonstrations", "split_frames"]

SPLITS = ("auto", "ranges", "official", "tail")
PERCENT = 10  # of a trial's frames, for validation and for test
EXAMPLE_TRIAL = 593

PARTS = ("train", "validation", "test")


def demonstrations(
    recording: HumanRecording,
    env_id: str,
    env_kwargs: dict[str, Any],
    frame_stack: int | None = None,
) -> Demonstrations:
    """Returns a recording as an agent would have met it.

    Pixels are mapped files, made once; what a model perceives is computed here, in the order of
    the frames, as trackers need it: of each of the ways to act once in four frames, one at a time.

    Args:
        recording: Of a game.
        env_id: An id of that game.
        env_kwargs: Of its env.
        frame_stack: Observations that SB3 stacks, of ids that do not stack themselves.

    Raises:
        ValueError: Options that the recording cannot follow: bars, colours, another frame size.
    """
    if env_kwargs.get("noise", "none") != "none":
        raise ValueError(f"People saw no bars: noise='none', got {env_kwargs['noise']!r}.")
    skip = int(env_kwargs.get("frameskip", 4))
    full = bool(env_kwargs.get("full_action_space", False))
    known = actions_of(recording.task, full)
    table = np.array([as_agent_acts(action, known) for action in range(NUM_ACTIONS)])
    acted = np.asarray(recording.actions)
    actions = np.where(acted >= 0, table[acted], -1)
    step = np.arange(len(recording))
    first = np.maximum.accumulate(np.where(recording.starts, step, 0))
    previous, earlier = _before(actions, first, 1), _before(actions, first, skip)
    options = {name: value for name, value in env_kwargs.items() if name != "confounded"}
    # As many envs as there are ways to act once in `skip` frames, each with a memory of its own.
    env = gym.make_vec(env_id, num_envs=skip, vectorization_mode="vector_entry_point", **options)
    assert isinstance(env, VectorTransformFrames)
    stacking: dict[str, Any]
    try:
        if isinstance(env.transform, StackedPixels):
            marks = (previous, len(known)) if env_kwargs.get("confounded") else None
            observations, stacking = _pixels(recording, env_kwargs, frame_stack, marks)
        else:
            observations = _perceived(recording, env, first, skip)
            stacking = _stacking(env.single_observation_space, frame_stack)
    finally:
        env.close()
    return Demonstrations(
        observations,
        first + (step - first) % skip,
        actions,
        previous,
        earlier,
        skip,
        gaze=GazeSamples(
            torch.from_numpy(np.array(recording.gaze, np.float32)),
            torch.from_numpy(np.array(recording.gaze_offsets, np.int64)),
        ),
        **stacking,
    )


def split_frames(
    recordings: Sequence[HumanRecording], split: str = "auto", reach: int = 0
) -> tuple[dict[str, list[np.ndarray]], str]:
    """Returns the frames of each recording to train, to validate and to test on.

    Args:
        recordings: Of one game.
        split: ``"official"``: the trials that the authors validated on test, the last tenth of
            the others validates. ``"tail"``: the last tenth of each trial tests, the one before
            validates. ``"ranges"``: those of
            :data:`~objwrappers.datasets.atari_head.EXAMPLE_RANGES`, for one trial. ``"auto"``: the
            last one for trial 593 of Ms. Pac-Man alone, the first where both kinds of trials are
            there, the second otherwise.
        reach: Frames before one that its observation shows; no part shows one of another.

    Returns:
        ``"train"``, ``"validation"`` and ``"test"`` → frames of each recording, counted from 0;
        and the split that was chosen.

    Raises:
        ValueError: No such split, or one that leaves a part empty.
    """
    check_name("split", split, SPLITS)
    ids = [int(recording.name.partition("_")[0]) for recording in recordings]
    tested = [is_official_test(recording.name, recording.task) for recording in recordings]
    if split == "auto":
        example = ids == [EXAMPLE_TRIAL] and recordings[0].task == "MsPacman"
        both = any(tested) and not all(tested)
        split = "ranges" if example else "official" if both else "tail"
    found: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    if split == "ranges" and len(recordings) != 1:
        raise ValueError(f"split='ranges' is of one trial, got {len(recordings)}.")
    for recording, of_test in zip(recordings, tested, strict=True):
        count = len(recording)
        parts: dict[str, range]
        if split == "ranges":
            parts = range_split(recording.numbers, EXAMPLE_RANGES)
        elif split == "official":
            train, validation = tail_split(count, PERCENT, 0)
            parts = {"train": train, "validation": validation}
            parts = {"test": range(count)} if of_test else parts
        else:
            rest, test = tail_split(count, PERCENT, 0)
            train, validation = tail_split(len(rest), PERCENT * 100 / (100 - PERCENT), 0)
            parts = {"train": train, "validation": validation, "test": test}
        for name in PARTS:
            part = parts.get(name, range(0))
            begin = part.start + reach if part.start else 0
            found[name].append(np.arange(begin, max(begin, part.stop)))
    for name, steps in found.items():
        if not sum(map(len, steps)):
            names = ", ".join(recording.name for recording in recordings)
            raise ValueError(f"split={split!r} leaves no frames of {names} for {name}.")
    return found, split


def _before(actions: np.ndarray, first: np.ndarray, lag: int) -> np.ndarray:
    """Returns what was done so many frames before in the same episode, -1 where nothing was."""
    step = np.arange(len(actions))
    return np.where(step - lag >= first, actions[np.maximum(step - lag, 0)], -1)


def _pixels(
    recording: HumanRecording,
    env_kwargs: dict[str, Any],
    frame_stack: int | None,
    marks: tuple[np.ndarray, int] | None,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns grey frames (T, 1, h, w) and how they are stacked."""
    if not env_kwargs.get("grayscale", True):
        raise ValueError("Imitation on pixels learns from grey frames: grayscale=True, got False.")
    if frame_stack is not None:
        raise ValueError(
            f"ObjFrames stacks by itself: give stack_num of env_kwargs, not frame_stack "
            f"({frame_stack})."
        )
    height, width = (int(env_kwargs.get(name, 84)) for name in ("img_height", "img_width"))
    frames, _ = small_frames(recording.recording, height, width, grayscale=True, pooled=True)
    frames = frames.reshape(len(recording), height, width, 1)
    if marks is not None:
        frames = draw_actions(frames, *marks)
    return {"": frames.reshape(len(recording), 1, height, width)}, {
        "stack": int(env_kwargs.get("stack_num", 4)),
        "axes": {"": 0},
        "padded": env_kwargs.get("padding_type", "reset") == "zero",
    }


def _perceived(
    recording: HumanRecording, env: VectorTransformFrames, first: np.ndarray, skip: int
) -> dict[str, np.ndarray]:
    """Returns what the env's transform makes of each frame, name → (T, ...)."""
    transform, seen = env.transform, env.env.single_observation_space
    assert seen.shape is not None
    found: dict[str, list[np.ndarray]] = {}
    waiting: list[np.ndarray] = []
    for step, frame in enumerate(_one_by_one(recording, first, *seen.shape)):
        waiting.append(frame)
        after = step + 1
        ends = after == len(first) or first[after] == after
        place = step - first[step]
        if ends or place % skip == skip - 1:
            # Each of these goes on what another of the envs has seen.
            envs = np.arange(len(waiting))
            fresh = np.full(len(waiting), place < skip)
            percepts = transform.choose(transform(np.stack(waiting), envs, fresh))
            named = percepts if isinstance(percepts, dict) else {"": percepts}
            for key, value in named.items():
                found.setdefault(key, []).append(value)
            waiting = []
    return {key: np.concatenate(values) for key, values in found.items()}


def _one_by_one(
    recording: HumanRecording, first: np.ndarray, height: int, width: int, channels: int
) -> Iterator[np.ndarray]:
    """Gives what an env's transform is given on each frame, uint8 (h, w, C)."""
    if channels == 1 + RAW_STACK:  # beside what an agent sees, all that was to be seen last
        raw, _ = small_frames(recording.recording, height, width, grayscale=True)
        pooled, _ = small_frames(recording.recording, height, width, grayscale=True, pooled=True)
        for step, begin in enumerate(first):
            last = np.maximum(step - np.arange(RAW_STACK)[::-1], begin)
            yield np.concatenate([*raw[last, 0], pooled[step, 0]], -1)
        return
    stream = stream_frames(recording.recording, height, width, channels == 1, pooled=True)
    for frames, _ in stream:
        yield from frames[:, 0]


def _stacking(space: gym.Space, frame_stack: int | None) -> dict[str, Any]:
    """Returns how SB3's VecFrameStack stacks the observations of a space."""
    if frame_stack is None:
        return {}
    if not isinstance(space, gym.spaces.Dict):
        raise ValueError(f"These observations are stacked already: no frame_stack ({frame_stack}).")
    axes: dict[str, int] = {}
    for key, box in space.spaces.items():
        assert isinstance(box, gym.spaces.Box)
        _, axis, *_ = StackedObservations.compute_stacking(frame_stack, box)
        axes[key] = axis if axis < 0 else axis - 1
    return {"stack": frame_stack, "axes": axes, "padded": True}
