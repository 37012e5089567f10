"""Records demonstrations: an expert's episodes of a task, each seen in several contexts.

* :func:`collect_demonstrations`: records until there are enough
* :class:`Expert`, :func:`scripted`, :func:`trained`: who demonstrates
* :func:`preview`: a picture of some

Episodes are numbered, and each is drawn by its number alone: a recording that was interrupted, or
is to grow, goes on with the next number.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import gymnasium as gym
import numpy as np

from objwrappers.datasets.demonstrations import (
    KIND,
    context_bytes,
    demonstrations_folder,
    read_demonstrations,
)
from objwrappers.datasets.index import INDEX_NAME
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.shards import Block
from objwrappers.envs.control import ControlEnv
from objwrappers.envs.control_contexts import Context, draw_context, read_context
from objwrappers.envs.control_experts import scripted_expert
from objwrappers.envs.control_tasks import check_task
from objwrappers.files import write_atomically
from objwrappers.rendering.layout import fitted, sheet

__all__ = [
    "Expert",
    "collect_demonstrations",
    "preview",
    "scripted",
    "trained",
]

HORIZON = 30
CONTEXTS = ("light", "light")
EPISODES_PER_SHARD = 20
MAX_REJECTED = 200
"""Episodes in succession, below the least return."""
PREVIEW_NAME = "preview.png"
SHOWN_EPISODES, SHOWN_MOMENTS, SHOWN_SIDE_PX = 3, 7, 96

Look = str | Path | Mapping[str, Any] | Context


@dataclass(frozen=True)
class Expert:
    """Who demonstrates a task.

    Attributes:
        policy: What to call it.
        act: (env, observation) → an action.
        env_kwargs: Of the :class:`ControlEnv` in which it acts.
        facts: What tells it from others.
    """

    policy: str
    act: Callable[[ControlEnv, Any], np.ndarray]
    env_kwargs: dict[str, Any] = field(default_factory=lambda: {"observe": "state"})
    facts: dict[str, Any] = field(default_factory=dict)


def scripted(task: str) -> Expert:
    """Returns the task's script.

    Raises:
        ValueError: It has none.
    """
    script = scripted_expert(task)
    return Expert("scripted", lambda env, _: script(env.physics))


def trained(algo: str, task: str, *, device: str = "auto", **found: Any) -> Expert:
    """Returns an agent that was trained on ``Control-<task>-v0``; it acts without noise.

    Args:
        algo: ``"sac"``, ``"tqc"``, ``"drqv2"``.
        task: ``"finger-spin"``.
        device: Of the policy.
        **found: ``folder``, ``exp_id``, ``load_best``, ``trust`` of
            :func:`~objwrappers.agents.loading.load_agent`.

    Raises:
        FileNotFoundError: There is no such agent.
    """
    from objwrappers.agents.acting import load_actor
    from objwrappers.pretraining.play import agent_facts

    env_id = f"Control-{task}-v0"
    actor = load_actor(algo, env_id, device=device, **found)
    facts = agent_facts(algo, env_id, actor.path)
    return Expert(f"{algo} on {env_id}", lambda _, seen: actor.act(seen), actor.env_kwargs, facts)


def collect_demonstrations(
    task: str,
    folder: str | Path | None = None,
    num_episodes: int = 800,
    *,
    expert: Expert | None = None,
    horizon: int = HORIZON,
    contexts: Sequence[Look] = CONTEXTS,
    cameras: Sequence[int | str] = (),
    image_size: int = 48,
    min_return: float = 1.0,
    seed: int = 1,
    progress: bool = False,
) -> Recording:
    """Records until a folder holds so many demonstrations, and writes a preview beside them.

    However often it was interrupted or grew, the recording is the same as one made at once.

    Args:
        task: ``"reacher-hard"``.
        folder: Made if absent; by default in the user's cache.
        num_episodes: N, rounded up to whole shards of 20.
        expert: By default the task's script.
        horizon: Actions of an episode, T.
        contexts: Names, dicts, files; each episode is seen in all of them. Those of random
            presets are others for each episode.
        cameras: From which each context is seen; by default the one that agents look from.
        image_size: Sides of the frames in pixels.
        min_return: Episodes with less of the task's own reward are left out.
        seed: Of the episodes and the contexts.
        progress: Show a bar.

    Raises:
        ValueError: No such task, context or camera; a task without a script; the folder holds other
            demonstrations; an expert that fails again and again.
        BlockingIOError: Another process records into the folder.
    """
    check_task(task)
    task = task.replace("_", "-")
    for name, value, least in (
        ("num_episodes", num_episodes, 1),
        ("horizon", horizon, 1),
        ("image_size", image_size, 1),
        ("seed", seed, 0),
    ):
        if type(value) is not int or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    if not math.isfinite(min_return):
        raise ValueError(f"min_return must be a number, got {min_return!r}.")
    looks = [read_context(context) for context in contexts]
    if not looks:
        raise ValueError("Demonstrations are seen in at least one context, got none.")
    expert = scripted(task) if expert is None else expert
    folder = demonstrations_folder(task) if folder is None else Path(folder)
    with contextlib.closing(ControlEnv(task, **{**expert.env_kwargs, "horizon": None})) as env:
        seen_from = [env.camera_index(camera) for camera in cameras] or [env.camera]
        facts: dict[str, Any] = {
            "task": task,
            "kind": KIND,
            "policy": expert.policy,
            "horizon": horizon,
            "action_repeat": env.action_repeat,
            "contexts": [look if isinstance(look, str) else look.as_dict() for look in looks],
            "cameras": seen_from,
            "image_size": image_size,
            "min_return": min_return,
            "seed": seed,
        }
        if expert.facts:
            facts["agent"] = expert.facts
        camera = _Camera(env, looks, seen_from, image_size)
        with RecordingWriter(folder, facts) as writer:
            per_episode = len(looks) * len(seen_from) * (horizon + 1)
            number, recorded = _next_number(folder), False
            with _bar(num_episodes, progress) as bar:
                bar.update(writer.num_frames // per_episode)
                while writer.num_frames < num_episodes * per_episode:
                    episodes: list[Block] = []
                    while len(episodes) < EPISODES_PER_SHARD:
                        number, episode = _demonstrate(camera, expert, facts, number)
                        episodes.append(episode)
                        bar.update(1)
                    writer.append(*_joined(episodes))
                    recorded = True
    recording = Recording(folder)
    if recorded or not (folder / PREVIEW_NAME).exists():
        _write_preview(recording)
    return recording


def _write_preview(recording: Recording) -> None:
    with write_atomically(recording.folder / PREVIEW_NAME) as file:
        picture = preview(recording)
        file.write(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())


def preview(recording: Recording) -> np.ndarray:
    """Returns a sheet: a row for each view of the first episodes, moments from left to right."""
    demonstrations = read_demonstrations(recording, SHOWN_EPISODES)
    moments = np.linspace(0, demonstrations.horizon, SHOWN_MOMENTS).round().astype(int)
    rows, labels = [], []
    for episode in range(min(SHOWN_EPISODES, len(demonstrations))):
        for view in range(demonstrations.num_views):
            frames = demonstrations.frames[episode, view, moments]
            rows.append([fitted(frame, SHOWN_SIDE_PX, SHOWN_SIDE_PX) for frame in frames])
            labels.append(f"{demonstrations.numbers[episode]}, view {view}")
    return sheet(rows, labels, [f"step {moment}" for moment in moments])


@dataclass(frozen=True)
class _Camera:
    """What looks at an episode in all its views."""

    env: ControlEnv
    looks: list[str | Context]
    cameras: list[int]
    size: int

    def contexts(self, seed: Sequence[int]) -> list[Context]:
        """Draws the contexts of an episode."""
        rng = np.random.default_rng([*seed, 1])
        return [draw_context(look, rng) for look in self.looks]

    def frames(self, contexts: Sequence[Context]) -> np.ndarray:
        """Returns the present moment, uint8 (V, h, w, 3)."""
        return np.stack(
            [
                self.env.frame(context, self.size, camera)
                for context in contexts
                for camera in self.cameras
            ]
        )


def _demonstrate(
    camera: _Camera, expert: Expert, facts: Mapping[str, Any], number: int
) -> tuple[int, Block]:
    """Returns the number after the first good episode from ``number`` on, and that episode."""
    for tried in range(number, number + MAX_REJECTED):
        episode = _play(camera, expert, facts, tried)
        if episode.arrays["reward"][:, 0].sum() >= facts["min_return"]:
            return tried + 1, episode
    raise ValueError(
        f"{facts['policy']} reached a return of {facts['min_return']} in none of {MAX_REJECTED} "
        f"episodes of {facts['horizon']} steps: give a better expert, a longer horizon, or a "
        "smaller min_return (--min-return)."
    )


def _play(camera: _Camera, expert: Expert, facts: Mapping[str, Any], number: int) -> Block:
    """Plays the episode of a number."""
    env, seed = camera.env, (facts["seed"], number)
    contexts = camera.contexts(seed)
    views = len(contexts) * len(camera.cameras)
    encoded = np.repeat([context_bytes(one.as_dict()) for one in contexts], len(camera.cameras), 0)
    observation, _ = env.reset(seed=int(np.random.SeedSequence(seed).generate_state(1)[0]))
    frames: list[np.ndarray] = []
    rows: list[dict[str, Any]] = []
    for step in range(facts["horizon"] + 1):
        frames.append(camera.frames(contexts))
        state = env.get_state()
        row = {
            "physics": state["physics"],
            "task": state["task"],
            "observation": env.state_observation(),
            "number": np.int64(number),
        }
        action = np.zeros(gym.spaces.flatdim(env.action_space), np.float32)
        reward, ended = 0.0, False
        if step < facts["horizon"]:
            action = np.asarray(expert.act(env, observation), np.float32)
            observation, reward, terminated, truncated, _ = env.step(action)
            ended = (terminated or truncated) and step + 1 < facts["horizon"]
        rows.append({**row, "action": action, "reward": np.float32(reward)})
        if ended:
            raise ValueError(
                f"Episodes of {facts['task']} end after {step + 1} steps, before a horizon of "
                f"{facts['horizon']}: give a shorter one (--horizon)."
            )
    arrays = {
        name: np.stack([np.repeat(np.asarray(row[name])[None], views, 0) for row in rows])
        for name in rows[0]
    }
    arrays["context"] = np.repeat(encoded[None], len(rows), 0)
    starts = np.zeros((len(rows), views), bool)
    starts[0] = True
    return Block(np.stack(frames), starts, arrays)


def _joined(episodes: Sequence[Block]) -> Block:
    names = episodes[0].arrays
    return Block(
        np.concatenate([one.frames for one in episodes]),
        np.concatenate([one.starts for one in episodes]),
        {name: np.concatenate([one.arrays[name] for one in episodes]) for name in names},
    )


def _next_number(folder: Path) -> int:
    """Returns the number after the last that was recorded."""
    if not (folder / INDEX_NAME).exists():
        return 0
    recording = Recording(folder)
    return int(recording[-1].arrays["number"].max()) + 1 if len(recording) else 0


def _bar(total: int, shown: bool) -> Any:
    from tqdm import tqdm  # comes with huggingface_hub

    return tqdm(total=total, unit="episode", disable=not shown)
