import cv2
import numpy as np
import pytest
import torch

from objwrappers.scoring.gallery import _Found, _regions


def test_things_are_found_near_them_and_keypoints_are_right_there():
    square = np.array([[10.0, 10.0], [12.0, 10.0], [10.0, 12.0]])
    far = np.array([[100.0, 50.0]])
    found = _Found()
    found.count(np.array([[12.0, 19.0], [80.0, 50.0]]), [square, far])
    assert (found.things, found.found, found.keypoints, found.right) == (2, 1, 2, 1)
    found.count(np.empty((0, 2)), [square])
    assert found.recall == pytest.approx(1 / 3)
    assert found.precision == pytest.approx(1 / 2)


def test_regions_are_connected_and_in_native_pixels():
    moving = torch.zeros(84, 84, dtype=torch.uint8)
    moving[0, 0] = moving[1, 1] = 255  # one thing, of two cells
    moving[40, 40:43] = 200
    moving[70, 70] = 255  # too small
    moving[50:52, 0] = 100  # too faint
    first, second = _regions(moving, (210, 168))
    np.testing.assert_allclose(first, [[1, 1.25], [3, 3.75]])
    assert len(second) == 3


def test_a_page_tells_of_each_game(run_zoo, tmp_path):
    result = run_zoo("gallery", "--game", "Pong", "Enduro", "-n", 5, "-o", "page.md")
    page = (tmp_path / "page.md").read_text()
    assert "Wrote page.md and page.png" in result.stdout
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if "|" in line}
    assert {"Pong", "Enduro"} <= rows.keys()
    found = float(rows["Pong"].split("|")[5].split()[0])
    grid = float(rows["Pong"].split("(")[1].split(")")[0])
    assert found > 0.9 > 0.3 > grid
    assert "python zoo/gallery.py --game Pong Enduro" in page
    picture = cv2.imread(str(tmp_path / "page.png"))
    assert picture.shape[0] > 210 and picture.shape[1] > 2 * 160


@pytest.mark.slow
def test_games_side_by_side_give_the_same_page(run_zoo, tmp_path):
    options = ["--game", "Pong", "Boxing", "-n", 5, "-o", "page.md"]
    pages = []
    for jobs in (1, 2):
        run_zoo("gallery", *options, "--jobs", jobs)
        lines = (tmp_path / "page.md").read_text().splitlines()
        pages.append([line for line in lines if not line.startswith("Made by")])
    assert pages[0] == pages[1]


def test_what_has_no_weights_says_how_they_are_made(run_zoo):
    error = run_zoo("gallery", "--game", "Pong", "-o", "page.png", ok=False).stderr
    assert "ends with .md, got page.png" in error
    error = run_zoo("gallery", "--game", "Pong", "--jobs", 0, ok=False).stderr
    assert "jobs must be at least 1, got 0" in error
    error = run_zoo("gallery", "--model", "permakey", "--game", "Zaxxon", ok=False).stderr
    assert "python zoo/pretrain.py --model permakey --game Zaxxon" in error
