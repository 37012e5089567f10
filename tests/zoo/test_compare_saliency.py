"""zoo/compare_saliency.py on untrained agents."""

import json

import cv2
import pytest

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
    assert figures["gradient"]["like_random_weights"] < 1
    assert figures["edges"]["like_random_weights"] != figures["edges"]["like_random_weights"]
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (2 * (168 + 20), 5 * 168, 3), "frame, two methods, two baselines"
    frame, _, gradient = (sheet[20:188, i * 168 : (i + 1) * 168] for i in range(3))
    assert (frame.max(-1) == frame.min(-1)).all() and (frame != gradient).any()


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
        (["-o", "sheet.pdf"], "-o must end in .png, got sheet.pdf."),
        (["--algo", "random"], "A random policy looks nowhere"),
    ],
)
def test_bad_input_is_one_line(run_zoo, options, message):
    error = run_zoo("compare_saliency", *OPTIONS, *options, ok=False).stderr
    assert error.strip().splitlines()[-1].startswith("error: ")
    assert message in error and "Traceback" not in error
