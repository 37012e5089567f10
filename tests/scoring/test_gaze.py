"""Gaze models scored on made-up trials, whose gaze follows a square."""

import cv2
import numpy as np
import pytest
import torch

from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, write_synthetic
from objwrappers.datasets.gaze import GazePlay
from objwrappers.metrics.saliency import nss
from objwrappers.perception.gaze.deconv import DeconvGaze
from objwrappers.scoring.gaze import GAZE_HEADS, foretold, open_play, score_gaze
from objwrappers.scoring.gaze_pictures import _apart, write_gaze_film, write_gaze_sheet

pytestmark = pytest.mark.filterwarnings("ignore:Not all of a trial could be used")


@pytest.fixture
def trials(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_synthetic(tmp_path / "data", trials=SYNTHETIC_TRIALS[:2], frames=90)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = DeconvGaze()
    model.record = {"trained_on": {"task": "MsPacman", "noise": "none", "channels": "grey"}}
    model.save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


def test_a_table_beside_baselines(trials, weights):
    table = score_gaze(trials, weights=[weights], first=60, trained=50, device="cpu")
    rows = {row["gaze"]: row for row in table["MsPacman"]}
    assert [*rows] == [
        *("(even)", "(centre)", "(mean gaze)", "(what moves)", "(previous gaze)"),
        str(weights),
    ]
    assert all(key in row for row in rows.values() for key in GAZE_HEADS)
    even, before = rows["(even)"], rows["(previous gaze)"]
    assert even["nss"] == 0 and even["auc"] == even["shuffled_auc"] == pytest.approx(0.5)
    # Between one frame and the next people look at the same place.
    assert before["nss"] > 5 and before["kl"] < even["kl"] and before["auc"] > 0.95
    assert rows["(mean gaze)"]["information_gain"] == 0 < before["information_gain"]
    plays = [GazePlay.of(recording) for recording in open_play(trials)]
    scored = [(play, np.flatnonzero(play.numbers >= 60)) for play in plays]
    frames = sum(len(steps) for _, steps in scored)
    for row in rows.values():
        assert row["used"] + row["undefined"] == frames and row["undefined"] > 0
        figure = row["figures"]["nss"]
        assert (figure["used"], figure["undefined"]) == (row["used"], row["undefined"])
    model = DeconvGaze.from_pretrained(weights)
    by_hand = torch.cat(
        [
            nss(foretold(model, play, steps), play.gaze[torch.from_numpy(steps)].counts())
            for play, steps in scored
        ]
    )
    assert rows[str(weights)]["nss"] == pytest.approx(float(by_hand.nanmean()))


def test_a_trials_recording_is_scored_too(trials):
    recording = open_play(trials, "MsPacman")[0]
    assert len(open_play(recording.folder)) == 1
    table = score_gaze(recording.folder, first=80, last=85, trained=0, device="cpu")
    row = table["MsPacman"][2]
    assert row["used"] + row["undefined"] == 6
    # Without frames to learn from, mean gaze is even.
    assert row["kl"] == pytest.approx(table["MsPacman"][0]["kl"])
    with pytest.raises(ValueError, match="no frames numbered 200 to its end: its last one is"):
        score_gaze(recording.folder, first=200, device="cpu")
    with pytest.raises(ValueError, match="Unknown perception model 'transporter'"):
        score_gaze(recording.folder, "transporter", first=80, device="cpu")


def test_pictures_and_films(trials, tmp_path):
    recording = open_play(trials)[0]
    model = DeconvGaze().eval()
    write_gaze_sheet(tmp_path / "sheet.png", model, recording, 60)
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    # Of 30 frames two are 30 apart at most.
    assert picture.shape[0] == 3 * (20 + 630) + 2 * 4 and picture.shape[1] < 3 * 484
    assert _apart(np.arange(100), np.array([50, 51, 20, 21, 85, 99, 79])) == [50, 20, 85]
    assert write_gaze_film(tmp_path / "film.mp4", model, recording, 60, 65) == 6
    film = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 6
    for write, suffix in ((write_gaze_sheet, "png"), (write_gaze_film, "mp4")):
        with pytest.raises(ValueError, match="frames numbered 500 to the end"):
            write(tmp_path / f"none.{suffix}", model, recording, 500)
