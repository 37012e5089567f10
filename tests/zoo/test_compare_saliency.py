"""zoo/compare_saliency.py on untrained agents."""

import json

import cv2
import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C

from objwrappers.sb3.saliency.checks import BLUR_SIGMA
from objwrappers.sb3.saliency.perturbation import blur
from objwrappers.scoring.saliency import measure

OPTIONS = ["--algo", "a2c", "--env", "ObjFrames-Breakout-v0", "--device", "cpu"]


def test_figures_and_a_sheet(run_zoo, tmp_path, breakout_agents):
    small = ["--observations", 3, "--rows", 2, "--methods", "attention", "gradient"]
    written = ["-o", "sheet.png", "--json", "figures.json"]
    result = run_zoo("compare_saliency", *OPTIONS, "-f", breakout_agents[0], *small, *written)
    assert "3 observations" in result.stdout
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert list(figures) == ["attention", "gradient", "noise", "edges"]
    for one in figures.values():
        # An untrained agent takes each of four actions alike, whatever it sees.
        assert one["deletion"] == pytest.approx(0.25, abs=0.01)
        assert one["insertion"] == pytest.approx(0.25, abs=0.01)
        assert one["milliseconds"] > 0
    assert figures["attention"]["like_random_outputs"] == pytest.approx(1)
    assert figures["gradient"]["like_random_outputs"] < 0.99
    assert figures["edges"]["like_random_weights"] != figures["edges"]["like_random_weights"]
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    top, gap = 26, 4
    shape = (top + 2 * 168 + gap, 5 * 168 + 4 * gap, 3)
    assert sheet.shape == shape, "frame, two methods, two baselines"
    frame, _, gradient = (sheet[top : top + 168, i * 172 : i * 172 + 168] for i in range(3))
    assert (frame.max(-1) == frame.min(-1)).all() and (frame != gradient).any()


class Pixels(gym.Env):
    observation_space = gym.spaces.Box(0, 255, (1, 36, 36), np.uint8)
    action_space = gym.spaces.Discrete(3)


def test_a_map_of_what_counts_is_told_from_one_of_what_does_not():
    # Linear: action 2 is likelier the brighter a square is.
    policy = A2C("MlpPolicy", Pixels(), seed=0, device="cpu", policy_kwargs={"net_arch": []}).policy
    torch.nn.init.zeros_(policy.action_net.weight)
    policy.action_net.weight.data[2].view(36, 36)[10:15, 20:25] = 0.2
    square = torch.zeros(2, 36, 36)
    square[:, 10:15, 20:25] = 1
    observations = 255 * square[:, None]
    blurred = blur(observations, BLUR_SIGMA)
    right = measure(policy, observations, lambda *_: square, baseline=True)
    wrong = measure(policy, observations, lambda *_: 1 - square, baseline=True)
    # All of the square goes, or comes back, at the first of 20 steps, or at the last one.
    logits = [images[0, 0][square[0] > 0].sum() * 0.2 / 255 for images in (observations, blurred)]
    sure, unsure = (float(logit.exp() / (logit.exp() + 2)) for logit in logits)
    soon, late = unsure + (sure - unsure) / 40, sure - (sure - unsure) / 40
    assert (right.deletion, right.insertion) == pytest.approx((soon, late), rel=1e-4)
    assert (wrong.deletion, wrong.insertion) == pytest.approx((late, soon), rel=1e-4)


@pytest.mark.slow
def test_attention_is_left_out_where_there_is_none(run_zoo, breakout_agents):
    small = ["--observations", 1]
    options = [*OPTIONS, "-f", breakout_agents[1]]
    lines = run_zoo("compare_saliency", *options, *small).stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == [
        *["gradient", "smooth_grad", "var_grad", "integrated_gradients", "grad_cam"],
        *["perturbation", "noise", "edges"],
    ]
    error = run_zoo("compare_saliency", *options, "--methods", "attention", ok=False).stderr
    assert "no attention of its own. What works is gradient" in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-f", "nowhere"], "python zoo/train.py --algo a2c"),
        (["--observations", "0"], "--observations and --rows must be at least 1, got 0, 4."),
        (["-o", "sheet.pdf"], "sheet.pdf"),
        (["--algo", "random"], "A random policy looks nowhere"),
        (["--env", "ObjKeypoints-Pong-v0", "-f", "keypoints"], "Saliency is of policies on images"),
    ],
)
def test_bad_input_is_one_line(run_zoo, agent_writer, options, message):
    if "keypoints" in options:
        name = "ObjKeypoints-Pong-v0"
        agent = A2C("MultiInputPolicy", gym.make(name, device="cpu"), device="cpu")
        agent_writer(agent, "a2c", name, "keypoints", model="light")
    error = run_zoo("compare_saliency", *OPTIONS, *options, ok=False).stderr
    assert error.strip().splitlines()[-1].startswith("error: ")
    assert message in error and "Traceback" not in error
