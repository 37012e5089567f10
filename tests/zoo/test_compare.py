import cv2
import pytest
import torch

from objwrappers.perception.permakey import PermaKey

HEIGHT, WIDTH = 420, 320  # of a cell
TOP, GAP = 26, 4


@pytest.fixture
def permakeys(tmp_path):
    """Two untrained PermaKeys with small networks, of two layers and of one."""
    small = {"encoder": "random", "predictor_widths": (8,), "pointnet_widths": (4, 4, 4, 4)}
    folders = []
    for name, layers in (("both", (0, 1)), ("first", (1,))):
        torch.manual_seed(0)
        model = PermaKey(3, lsp_layers=layers, patch_sizes=(2,) * len(layers), **small)
        model.save_pretrained(tmp_path / name)
        folders.append(tmp_path / name)
    return folders


def test_columns_are_games_and_rows_are_models(run_zoo, tmp_path):
    options = ["--game", "Pong", "Breakout", "--model", "motion", "transporter"]
    run_zoo("compare", *options, "-o", "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    left = sheet.shape[1] - 2 * WIDTH - GAP
    assert len(sheet) == TOP + 3 * HEIGHT + 2 * GAP and left > 0
    first, second = (
        sheet[TOP + row * (HEIGHT + GAP) :][:HEIGHT, left : left + WIDTH] for row in (0, 1)
    )
    assert tuple(first[200, 160]) == (17, 72, 144), "Pong's ground, blue first"
    # Keypoints are drawn in the rows of the models alone.
    assert (second != first).any()


def test_an_ablation_has_error_maps_for_each_layer(run_zoo, tmp_path, permakeys):
    options = ["--game", "Pong", "--columns", 2, "--noise", "both", "-o", "ablation.png"]
    run_zoo("compare", *options, "--weights", *permakeys)
    sheet = cv2.imread(str(tmp_path / "ablation.png"))
    # Frame; keypoints and two error maps; keypoints and one.
    assert len(sheet) == TOP + 6 * HEIGHT + 5 * GAP
    errors = sheet[TOP + 2 * (HEIGHT + GAP) :][:HEIGHT, -WIDTH:]
    assert (errors.max(-1) == errors.min(-1)).all() and errors.max() > 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--game", "Pongg"], "Unknown game 'Pongg'"),
        (["--game", "Zaxxon", "--model", "motion"], "There are no weights of 'motion' for Zaxxon"),
        (["--game", "Pong", "--noise", "all"], "Unknown noise 'all'"),
        (["--game", "Pong", "-o", "sheet.doc"], "must end with one of .png"),
    ],
)
def test_bad_input_is_one_line(run_zoo, options, message):
    error = run_zoo("compare", *options, ok=False).stderr
    assert message in error and "Traceback" not in error
