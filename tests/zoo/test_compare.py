import cv2
import pytest
import torch

from objwrappers.perception.permakey import PermaKey

SHEET_CELL = (420, 320)


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
    height, width = SHEET_CELL
    assert sheet.shape == (28 + 3 * height, 150 + 2 * width, 3)
    first = sheet[28 : 28 + height, 150 : 150 + width]
    assert tuple(first[200, 160]) == (17, 72, 144), "Pong's ground, blue first"
    # Keypoints are drawn in the rows of the models alone.
    assert (sheet[28 + height : 28 + 2 * height, 150 : 150 + width] != first).any()


def test_an_ablation_has_error_maps_for_each_layer(run_zoo, tmp_path, permakeys):
    options = ["--game", "Pong", "--columns", 2, "--noise", "both", "-o", "ablation.png"]
    run_zoo("compare", *options, "--weights", *permakeys)
    sheet = cv2.imread(str(tmp_path / "ablation.png"))
    # Frame; keypoints and two error maps; keypoints and one.
    assert sheet.shape[0] == 28 + (1 + 3 + 2) * SHEET_CELL[0]
    errors = sheet[28 + 2 * 420 : 28 + 3 * 420, 150:]
    assert (errors.max(-1) == errors.min(-1)).all() and errors.max() > 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--game", "Pongg"], "Unknown game 'Pongg'"),
        (["--game", "Zaxxon", "--model", "motion"], "There are no weights of 'motion' for Zaxxon"),
        (["--game", "Pong", "--noise", "all"], "Unknown noise 'all'"),
        (["--game", "Pong", "-o", "sheet.doc"], "-o must end in .png"),
    ],
)
def test_bad_input_is_one_line(run_zoo, options, message):
    error = run_zoo("compare", *options, ok=False).stderr
    assert message in error and "Traceback" not in error
