"""Demonstrations are recorded as they were acted, and go on where they were killed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from opengl import needs_opengl

from objwrappers.datasets.demonstrations import read_demonstrations
from objwrappers.datasets.recordings import Recording
from objwrappers.envs.control import ControlEnv
from objwrappers.envs.control_contexts import read_context
from objwrappers.pretraining import demonstrate
from objwrappers.pretraining.demonstrate import Expert, collect_demonstrations

pytestmark = needs_opengl

SMALL = {"horizon": 3, "image_size": 16, "min_return": 0.0}
IDLE = Expert("idle", lambda env, _: np.zeros(2))


@pytest.fixture(autouse=True)
def few_episodes(monkeypatch):
    monkeypatch.setattr(demonstrate, "EPISODES_PER_SHARD", 2)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".writing"}


def test_states_actions_and_pictures_are_of_one_episode(tmp_path):
    look = {"body": [1.0, 0.0, 0.0], "thickness": 2.0}
    recording = collect_demonstrations(
        *("reacher-hard", tmp_path / "demos", 2),
        contexts=["full", look],
        cameras=[0, "hand"],
        **SMALL,
    )
    found = read_demonstrations(recording)
    assert found.facts["policy"] == "scripted" and found.facts["cameras"] == [0, 1]
    assert (len(found), found.num_views, found.image_size) == (2, 4, (16, 16))
    env = ControlEnv("reacher-hard", observe="both", image_size=16)
    env.reset(seed=0)
    for episode in range(2):
        full, again, mine, _ = (read_context(context) for context in found.contexts[episode])
        assert again == full
        assert mine == read_context(look) and full.floor is not None
        for step in range(4):
            env.set_state(found.state(episode, step))
            for view, (context, camera) in enumerate([(full, 0), (full, 1), (mine, 0), (mine, 1)]):
                np.testing.assert_array_equal(
                    env.frame(context, camera=camera), found.frames[episode, view, step]
                )
            np.testing.assert_array_equal(
                env.state_observation(), found.observations[episode, step]
            )
            if step < 3:
                _, reward, *_ = env.step(found.actions[episode, step])
                assert reward == found.rewards[episode, step]
                np.testing.assert_array_equal(
                    env.get_state()["physics"], found.physics[episode, step + 1]
                )
    assert found.contexts[0][0] != found.contexts[1][0], "each episode has a context of its own"


def test_a_recording_that_grows_equals_one_made_at_once(tmp_path):
    for count in (1, 4, 5):
        collect_demonstrations("reacher-hard", tmp_path / "grown", count, **SMALL)
    collect_demonstrations("reacher-hard", tmp_path / "whole", 6, **SMALL)
    assert content(tmp_path / "grown") == content(tmp_path / "whole")
    assert {"preview.png", "frames.json"} < content(tmp_path / "whole").keys()


KILLED = """
import sys
from objwrappers.pretraining import demonstrate
demonstrate.EPISODES_PER_SHARD = 2
demonstrate.collect_demonstrations(
    "reacher-hard", sys.argv[1], 10_000, horizon=3, image_size=16, min_return=0.0
)
"""


def test_a_killed_recording_goes_on_as_if_nothing_had_happened(tmp_path):
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], env={**os.environ})
    try:
        give_up = time.monotonic() + 120
        while not (folder / "shard-00001.npz").exists():
            assert process.poll() is None and time.monotonic() < give_up
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    count = 2 * (len(Recording(folder)) + 1)
    collect_demonstrations("reacher-hard", folder, count, **SMALL)
    collect_demonstrations("reacher-hard", tmp_path / "whole", count, **SMALL)
    assert content(folder) == content(tmp_path / "whole")


def test_episodes_below_the_least_return_are_left_out(tmp_path):
    options = {**SMALL, "horizon": 12}
    every = collect_demonstrations("reacher-hard", tmp_path / "every", 12, **options)
    returns = read_demonstrations(every).returns
    least = float(np.median(returns)) + 0.5
    good = read_demonstrations(
        collect_demonstrations(
            "reacher-hard", tmp_path / "good", 2, **{**options, "min_return": least}
        )
    )
    wanted = np.flatnonzero(returns >= least)[:2]
    assert good.numbers.tolist() == wanted.tolist()
    np.testing.assert_array_equal(good.returns, returns[wanted])


def test_a_whole_episode_of_the_task_can_be_recorded(tmp_path):
    whole = collect_demonstrations(
        "reacher-easy", tmp_path / "whole", 1, **{**SMALL, "horizon": 500}, contexts=["default"]
    )
    assert read_demonstrations(whole).horizon == 500


def test_an_expert_that_always_fails_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstrate, "MAX_REJECTED", 3)
    with pytest.raises(ValueError, match=r"idle reached .* none of 3 episodes.*--min-return"):
        collect_demonstrations(
            "reacher-hard", tmp_path / "x", 1, expert=IDLE, **{**SMALL, "min_return": 99.0}
        )


def test_bad_input_names_itself_and_the_cure(tmp_path):
    folder = tmp_path / "demos"
    for options, message in (
        ({"task": "reacher-hart"}, "Unknown task 'reacher-hart'.*reacher-hard"),
        ({"task": "finger-spin"}, "no script for 'finger-spin'.*--algo sac"),
        ({"num_episodes": 0}, "at least 1"),
        ({"contexts": []}, "at least one context"),
        ({"contexts": ["lihgt"]}, "Unknown context 'lihgt'.*light"),
        ({"cameras": ["back"]}, "Unknown camera 'back'"),
        ({"horizon": 501}, "end after 500 steps.*--horizon"),
        ({"horizon": 3.0}, "horizon must be an integer of at least 1, got 3.0"),
        ({"min_return": float("nan")}, "min_return must be a number"),
    ):
        with pytest.raises(ValueError, match=message):
            collect_demonstrations(**{"task": "reacher-hard", "folder": folder, **SMALL, **options})
    collect_demonstrations("reacher-hard", folder, 1, **SMALL)
    with pytest.raises(ValueError, match=r"other frames.*horizon.*give another folder"):
        collect_demonstrations("reacher-hard", folder, 9, **{**SMALL, "horizon": 4})
