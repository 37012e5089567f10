"""Killed anywhere: the same call goes on, ends as if nothing had happened, and leaves nothing."""

import io
import json
import signal
import time
import zipfile
from functools import partial

import imageio_ffmpeg
import numpy as np
import pytest
import torch
import toy_trainings
from attacks.killing import content_of, run
from board_plans import CONTENT, record_of
from stable_baselines3 import A2C

import objwrappers
from objwrappers.agents.saving import save_agent
from objwrappers.boards.cells import cells_of
from objwrappers.boards.plan import read_plan
from objwrappers.boards.records import write_export, write_record
from objwrappers.pretraining import evaluation
from objwrappers.rendering.video import VideoWriter
from objwrappers.sweeps.folder import write_result


def pretraining(folder):
    """Eight steps of a toy, with a checkpoint at every other one."""
    toy_trainings.register()
    evaluation.MOMENTS, evaluation.THINNED = 4, 0.1
    if not (folder / "frames" / "frames.json").exists():
        toy_trainings.record(folder / "frames", "Pong", 160, 2, 200)
    toy_trainings.pretrain("blind", "Pong", frames_folder="frames", output="out", cache=False)


def collecting(folder):
    objwrappers.collect("Pong", folder / "frames", 256, num_envs=1)


def saving_an_agent(folder):
    agent = A2C("MlpPolicy", "CartPole-v1", seed=0, device="cpu", policy_kwargs={"net_arch": [4]})
    for steps in (8, 16):
        agent.learn(8)
        save_agent(agent, folder / "run" / f"rl_model_{steps}_steps.zip")
        save_agent(agent, folder / "run" / "best_model.zip")


def filming(folder):
    with VideoWriter(folder / "films" / "film.mkv") as video:
        for shade in (0, 100, 200):
            video.append(np.full((16, 16, 3), shade, np.uint8))


def writing_tables(folder):
    (folder / "plan.yml").write_text(json.dumps(CONTENT))
    cells = cells_of(read_plan(folder / "plan.yml"))[:3]
    records = {}
    for cell in cells:
        records[cell.name] = record_of(cell, 3.0)
        write_record(folder / cell.name, records[cell.name])
        write_export(folder / "board.json", {"title": "Two"}, records)
    write_result(folder / "sweep", {"exit_code": 0, "error": None, "wall_s": 1.0})


SCENARIOS = [pretraining, collecting, saving_an_agent, filming, writing_tables]


def compared(folder):
    """Relative path → what is in it, as far as it does not tell the time or how it was packed."""
    found = dict(content_of(folder))
    for name in found:
        path = folder / name
        if path.suffix == ".pt":
            found[name] = plain(torch.load(path, weights_only=True))
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                policy = io.BytesIO(archive.read("policy.pth"))
            found[name] = plain(torch.load(policy, weights_only=True))
        elif path.suffix == ".mkv":
            _, *frames = imageio_ffmpeg.read_frames(str(path))
            found[name] = frames
    return found


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [*map(plain, value)] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Scenario → how many calls it makes, and what it leaves."""

    def done(scenario, kept={}):  # noqa: B006
        if scenario not in kept:
            folder = tmp_path_factory.mktemp("whole")
            calls = run(scenario, folder)
            kept[scenario] = calls, compared(folder)
        return kept[scenario]

    return done


def check(scenario, expected, folder, kill_at=None):
    if kill_at is not None:
        assert run(scenario, folder, kill_at) is None, "it was not killed"
    run(scenario, folder)
    found = compared(folder)
    assert found.keys() == expected.keys(), f"killed at {kill_at}"
    for name, content in expected.items():
        assert found[name] == content, f"{name}, killed at {kill_at}"
    left = [path for path in folder.rglob(".*") if path.name not in (".writing", ".lock")]
    assert not left, f"killed at {kill_at}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_killed_at_a_few_places(scenario, whole, tmp_path):
    calls, expected = whole(scenario)
    for kill_at in (calls // 3, calls - 2):
        check(scenario, expected, tmp_path / str(kill_at), kill_at)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_killed_at_every_place(scenario, whole, tmp_path):
    calls, expected = whole(scenario)
    for kill_at in range(calls):
        check(scenario, expected, tmp_path / str(kill_at), kill_at)


INSTANTS = 8


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM], ids=lambda by: by.name)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_killed_at_any_instant(scenario, by, whole, tmp_path):
    _, expected = whole(scenario)
    begun = time.monotonic()
    run(scenario, tmp_path / "timed")
    seconds = time.monotonic() - begun
    rng = np.random.default_rng(0)
    for number, share in enumerate(rng.uniform(0, 1, INSTANTS)):
        folder = tmp_path / str(number)
        run(scenario, folder, kill_after_s=share * seconds, by=by)
        check(scenario, expected, folder)


def test_weights_that_are_replaced_are_there_whenever_the_kill_comes(tmp_path):
    """Between the two renames of a replacement the old folder has another name for a moment."""

    def replacing(folder, seed):
        toy_trainings.register()
        model = toy_trainings.Blind()
        model.record = {"training": {"seed": seed}}
        model.save_pretrained(folder / "weights")

    calls = None
    for kill_at in range(1000):
        folder = tmp_path / str(kill_at)
        run(partial(replacing, seed=0), folder)
        calls = run(partial(replacing, seed=1), folder, kill_at)
        found = toy_trainings.Blind.from_pretrained(folder / "weights")
        assert found.record["training"]["seed"] in (0, 1)
        if calls is not None:
            break
    assert calls is not None and kill_at > 8 and found.record["training"]["seed"] == 1
