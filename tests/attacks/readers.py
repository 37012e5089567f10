"""Everything in the package that reads what a stranger, a disk or an older run left.

* :data:`READERS`: name → how to write what it reads, which files to damage, how to read it
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import yaml
from board_plans import CONTENT, record_of
from demonstrated import write_made_up, write_translation
from stable_baselines3 import A2C
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

import objwrappers  # noqa: F401
from objwrappers.agents.curves import read_curve
from objwrappers.agents.loading import load_agent
from objwrappers.agents.normalization import save_statistics, statistics_path
from objwrappers.agents.saving import describe_policy, save_agent
from objwrappers.boards.cells import cells_of
from objwrappers.boards.plan import read_plan as read_board_plan
from objwrappers.boards.records import read_export, read_record, write_export, write_record
from objwrappers.checkpoints import load_checkpoint, save_checkpoint
from objwrappers.datasets.atari_head import human_recording, read_trials, write_synthetic
from objwrappers.datasets.demonstrations import read_demonstrations
from objwrappers.datasets.images import ImageFolder
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.datasets.small_frames import small_frames
from objwrappers.perception.loading import BUNDLED, load_model
from objwrappers.perception.registry import model_class
from objwrappers.perception.roles import Roles
from objwrappers.perception.runtime import running
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.sweeps.folder import prepare, read_result, write_result
from objwrappers.sweeps.plan import read_plan
from objwrappers.sweeps.summary import read_figures

PONG = "ObjFrames-Pong-v0"


@dataclass(frozen=True)
class Reader:
    """One of them.

    Attributes:
        write: Writes what is read into an empty folder.
        read: Reads the folder; returns numbers that must be finite.
        sealed: config.json has the digest of model.safetensors.
    """

    write: Callable[[Path], Any]
    read: Callable[[Path], Iterable[Any]]
    sealed: bool = False


def weights(model: str, family: str = "keypoints", **arguments: Any) -> Reader:
    """Weights that learned nothing."""

    def write(folder: Path) -> None:
        torch.manual_seed(0)
        module = model_class(model, family)(**arguments)
        channels = {"trained_on": {"task": "Pong", "noise": "none", "channels": module.channels}}
        module.record = {**channels, "training": {"seed": 0, "validation": {"loss": 0.5}}}
        module.save_pretrained(folder)

    return Reader(write, partial(perceive, model, family), sealed=True)


def bundled(name: str, model: str, family: str = "keypoints") -> Reader:
    """Weights that come with the package."""
    copied = partial(shutil.copytree, BUNDLED / name, dirs_exist_ok=True)
    return Reader(copied, partial(perceive, model, family), sealed=True)


def perceive(model: str, family: str, folder: Path) -> list[Any]:
    module = load_model(model, "Pong", folder, "cpu", family=family)
    form = module.frame_format
    assert (form.height or 1) <= 2048
    stack = (form.stack,) if form.stack > 1 else ()
    size = (2, *stack, form.height or 210, form.width or 160, 1 if form.grayscale else 3)
    frames = torch.randint(256, size, dtype=torch.uint8)
    with torch.inference_mode():
        return [*module(frames).values()]


def write_recording(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with RecordingWriter(folder, {"task": "Pong", "policy": "random", "seed": 0}) as writer:
        for first in (True, False):
            frames = rng.integers(0, 3, (6, 2, 12, 10, 3), np.uint8)
            starts = np.zeros((6, 2), bool)
            starts[0] = first
            writer.append(frames, starts, {"reward": rng.normal(size=(6, 2)).astype(np.float32)})


def read_recording(folder: Path) -> list[Any]:
    recording = Recording(folder)
    assert isinstance(recording.digest, str) and recording.facts["task"] == recording.task
    return [block.frames for block in recording]


def read_trials_there(folder: Path) -> list[Any]:
    frames = []
    for trial in read_trials(folder):
        for step in trial.steps():
            assert step.frame.shape == (210, 160, 3)
            frames.append(step.gaze)
    return frames


def write_human(folder: Path) -> None:
    trials = write_synthetic(folder.with_name("trials"), form="folder", frames=6)
    human_recording(read_trials(trials)[0], folder)


def read_human(folder: Path) -> list[Any]:
    from objwrappers.datasets.atari_head import HumanRecording

    recording = HumanRecording(folder)
    assert len(recording) and recording.actions.min() >= -1
    return [recording.small_frames, recording.gaze, recording.frames(0, 2)]


def write_images(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for i, suffix in enumerate(("png", "jpg", "bmp", "webp", "tiff")):
        cv2.imwrite(str(folder / f"{i}.{suffix}"), rng.integers(0, 256, (20, 30, 3), np.uint8))


def read_images(folder: Path) -> list[Any]:
    images = ImageFolder(folder)
    assert images.digest
    return [images.read(16, 16).frames]


def write_checkpoint(folder: Path) -> None:
    state = {"facts": {"model": "motion"}, "step": 3, "best": 0.5, "model": {"w": torch.ones(9)}}
    save_checkpoint(folder / "checkpoint.pt", state)


def read_checkpoint(folder: Path) -> list[Any]:
    return [load_checkpoint(folder / "checkpoint.pt", {"model": dict}, "Remove it.")["model"]["w"]]


def write_board(folder: Path) -> None:
    (folder / "plan.yml").write_text(yaml.safe_dump(CONTENT))
    cells = cells_of(read_board_plan(folder / "plan.yml"))
    records = {cell.name: record_of(cell, 3.0) for cell in cells[:2]}
    write_export(folder / "board.json", {"title": "Two"}, records)
    write_record(folder, record_of(cells[0], 2.0))


def read_board(folder: Path) -> list[Any]:
    read_board_plan(folder / "plan.yml")
    content = read_export(folder / "board.json")
    record = read_record(folder)
    scores = [cell["score"] for cell in content["cells"].values()]
    return [scores, record["score"] if record else 0]


def write_sweep(folder: Path) -> None:
    sets = {"standard": {"seed": [0, 2], "weight": [0.0, 1.0]}}
    options = {"json": "{folder}/out.json"}
    figures = {"out.json": {"loss": "validation.loss"}}
    content = {"program": "zoo/score.py", "options": options, "sets": sets, "figures": figures}
    (folder / "sweep.yml").write_text(yaml.safe_dump(content))
    run = read_plan(folder / "sweep.yml", "runs")[0]
    prepare(folder, run)
    write_result(folder, {"exit_code": 0, "error": None, "wall_s": 1.0})
    (folder / "out.json").write_text(json.dumps({"validation": {"loss": 0.25, "nan": None}}))


def read_sweep(folder: Path) -> list[Any]:
    runs = read_plan(folder / "sweep.yml", "runs")
    prepare(folder, runs[0])
    read_result(folder)
    found = read_figures({str(folder / "out.json"): {"loss": "validation.loss"}})
    return [[value for value in found["figures"].values() if value is not None]]


def write_agent(folder: Path) -> None:
    """An agent that normalises what it sees, with what its training says of it."""
    env = VecNormalize(make_vec_env(PONG), norm_obs=False)
    kwargs = {"features_extractor_kwargs": {"features_dim": 4}, "net_arch": [4]}
    agent = A2C("CnnPolicy", env, seed=0, device="cpu", policy_kwargs=kwargs)
    run = folder / "a2c" / f"{PONG}_1"
    run.mkdir(parents=True)
    save_agent(agent, run / f"{PONG}.zip")
    save_statistics(env, statistics_path(run / f"{PONG}.zip"))
    hyperparams = {"normalize": True, "policy": "CnnPolicy", "frame_stack": None}
    facts = {"env_kwargs": {"noise": "none"}, "hyperparams": hyperparams, "seed": 0}
    (run / "config.json").write_text(json.dumps({**facts, **describe_policy(agent, "a2c")}))
    env.close()


def read_agent(folder: Path) -> list[Any]:
    agent, env = load_agent("a2c", PONG, folder=folder, device="cpu")
    try:
        action, _ = agent.predict(env.reset(), deterministic=True)
        return [action, agent.policy.action_net.weight.detach()]
    finally:
        env.close()


def write_small_frames(folder: Path) -> None:
    write_recording(folder)
    small_frames(Recording(folder), 6, 5)


def read_small_frames(folder: Path) -> list[Any]:
    frames, starts = small_frames(Recording(folder), 6, 5)
    assert frames.shape[1:] == (2, 6, 5, 3) and starts.shape == frames.shape[:2]
    return [frames, starts]


def write_curves(folder: Path) -> None:
    games = "".join(f"{score}.0,{100 * score},{score}.5\n" for score in range(1, 9))
    (folder / "0.monitor.csv").write_text(f'#{{"t_start": 1.0}}\nr,l,t\n{games}')


def export(folder: Path) -> list[Any]:
    """Through a network that was exported before, whose file is in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(folder)
    torch.manual_seed(0)
    module = model_class("light", "keypoints")(num_keypoints=3, width=8)
    network = running(module.eval().requires_grad_(False), "onnx")
    found = network(torch.zeros(2, 210, 160, 3, dtype=torch.uint8))
    return [*found.values()]


READERS: dict[str, Reader] = {
    "weights: light": weights("light", num_keypoints=4, width=8),
    "weights: motion": weights("motion", num_keypoints=3, width=8),
    "weights: transporter": bundled("transporter-Pong", "transporter"),
    "weights: permakey": bundled("permakey-MsPacman", "permakey"),
    "weights: student": weights("student", num_keypoints=3, teacher="motion"),
    "weights: scenes of motion": bundled("scenes-motion-Pong", "motion", "scenes"),
    "weights: space_time": bundled("scenes-space_time-Pong", "space_time", "scenes"),
    "weights: gaze of motion": bundled("gaze-motion-MsPacman", "motion", "gaze"),
    "weights: gcu": weights("gcu", "gaze", vertices=4),
    "weights: deconv": weights("deconv", "gaze"),
    "weights: space": weights("space", "scenes"),
    "context translation": Reader(
        write_translation,
        lambda folder: [
            *model_class("context_translation", "translation")
            .from_pretrained(folder)
            .state_dict()
            .values()
        ],
        sealed=True,
    ),
    "classifier": Reader(
        lambda folder: SceneClassifier.of_centroids(
            torch.eye(3), ["player", "ball", "enemy"], [1, 1, 2]
        ).save(folder),
        lambda folder: [SceneClassifier.load(folder)(torch.ones(2, 3))],
        sealed=True,
    ),
    "roles": Reader(
        partial(shutil.copytree, BUNDLED / "scenes-roles-motion-Pong", dirs_exist_ok=True),
        lambda folder: [
            (roles := Roles.load(folder)).harm,
            roles.worth,
            roles.agency,
            roles.whole,
            roles.walls,
            len(roles.command) + len(roles.digest),
        ],
        sealed=True,
    ),
    "recording": Reader(write_recording, read_recording),
    "demonstrations": Reader(
        lambda folder: write_made_up(folder),
        lambda folder: [(found := read_demonstrations(folder)).physics, found.frames],
    ),
    "trials in folders": Reader(
        lambda folder: write_synthetic(folder, form="folder", frames=6), read_trials_there
    ),
    "trials in tars": Reader(
        lambda folder: write_synthetic(folder, form="tar", frames=6), read_trials_there
    ),
    "trials in zips": Reader(
        lambda folder: write_synthetic(folder, form="zip", frames=6), read_trials_there
    ),
    "human recording": Reader(write_human, read_human),
    "images": Reader(write_images, read_images),
    "checkpoint": Reader(write_checkpoint, read_checkpoint),
    "agent": Reader(write_agent, read_agent),
    "small frames": Reader(write_small_frames, read_small_frames),
    "exported network": Reader(export, export),
    "curves": Reader(write_curves, lambda folder: [*read_curve(folder, 3)]),
    "board": Reader(write_board, read_board),
    "sweep": Reader(write_sweep, read_sweep),
}


def quietly(read: Callable[[Path], Iterable[Any]], folder: Path) -> Iterable[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(folder)
