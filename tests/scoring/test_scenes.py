"""The table of scenes and its pictures, with a model that knows Pong's colours."""

import json
import math

import cv2
import numpy as np
import pytest

from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.scoring import scenes
from objwrappers.scoring.scene_measures import encodings_of
from objwrappers.scoring.scene_pictures import draw_encodings
from objwrappers.scoring.scene_truth import Seen
from objwrappers.scoring.scenes import _fits, score_scenes
from objwrappers.scoring.tables import SCENE_HEADS, format_table

SMALL = {"frames": 24, "pool": 24, "steps": 24, "device": "cpu"}


def test_a_model_is_scored_beside_what_knows_nothing(colours, tmp_path):
    picture = str(tmp_path / "scene")
    table = score_scenes(
        "Pong", weights=[colours], noise=["none", "both"], picture=picture, **SMALL
    )
    rows = {(r["noise"], r["scene"]): r for r in table["Pong"]}
    model = rows["none", "colours-Pong"]
    assert model["f1"] > 0.95 and model["recall"] == 1 and model["perfect"] > 0.9
    assert model["label"] == model["few_shot_1"] == model["centroid_16"] == 1
    assert (model["ami"], model["ari"], model["switches"]) == pytest.approx((1, 1, 0))
    # Scores stand still, and the model does not know them.
    assert model["sets"]["all"]["recall"] < model["sets"]["moving"]["recall"]
    assert model["sets"]["all"]["objects"] > model["sets"]["moving"]["objects"]
    assert model["f1"] == model["sets"]["relevant"]["f1"]
    for which in ("moving", "all"):
        known = model["sets"][which]
        assert (known["few_shot_16"], known["ari"], known["switches"]) == pytest.approx((1, 1, 0))
    under_bars = rows["both", "colours-Pong"]
    assert under_bars["recall"] < 1

    nothing = rows["none", "nothing"]
    assert nothing["f1"] == nothing["ap"] == 0 and math.isnan(nothing["precision"])
    assert math.isnan(nothing["few_shot_1"]) and nothing["under"] == 1
    assert rows["none", "fixed grid of 10"]["f1"] < 0.2
    assert rows["none", "differences of frames"]["f1"] < model["f1"]
    ceiling = rows["none", "as both raw frames show"]
    assert ceiling["f1"] == 1 and ceiling["centre_error"] < 2

    printed = format_table(table, "scene", SCENE_HEADS).splitlines()
    assert len(printed) == 1 + len(table["Pong"])
    assert "AP@.5" in printed[0] and "colours-Pong" in printed[1]
    drawn = {path.name for path in tmp_path.glob("scene-*")}
    kinds = [".png", "-pca.png", "-pca.svg", "-tsne.png", "-tsne.svg"]
    stems = ["scene-Pong-colours-Pong", "scene-Pong-colours-Pong-both"]
    assert drawn == {stem + kind for stem in stems for kind in kinds}
    sheet = cv2.imread(str(tmp_path / "scene-Pong-colours-Pong.png"))
    assert sheet.shape == (2 * 630, 6 * 480, 3)
    assert (sheet[:630, 420:432] == 255).all(-1).any(), "the player's true box"


def test_scores_repeat(colours):
    tables = [score_scenes("Pong", weights=[colours], **SMALL)["Pong"][0] for _ in range(2)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("trained_on", "fits"),
    [
        ({"task": "Pong"}, [True, False]),
        ({"tasks": ["Boxing", "Pong"]}, [True, True]),
        ({"task": "Freeway"}, [True, True]),
        ({}, [True, True]),
    ],
)
def test_weights_are_scored_on_their_games(tmp_path, trained_on, fits):
    (tmp_path / "config.json").write_text(json.dumps({"trained_on": trained_on}))
    games = ["Pong", "Boxing"]
    assert [_fits(tmp_path, game, games) for game in games] == fits


def test_weights_of_another_game_are_passed_over_where_that_is_scored_too(colours):
    table = score_scenes(["Pong", "Boxing"], weights=[colours], **SMALL)
    assert table["Pong"][0]["scene"] == "colours-Pong"
    assert table["Boxing"][0]["scene"] == "fixed grid of 10"


def test_bad_input_is_named_before_games_are_played(colours, tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "play", None)
    with pytest.raises(ValueError, match=r"Objects of AirRaid are not known.*Pong"):
        score_scenes("AirRaid", frames=2)
    for name in ("frames", "pool", "steps"):
        with pytest.raises(ValueError, match=f"^{name} must be at least 1, got 0"):
            score_scenes("Pong", weights=[colours], **{**SMALL, name: 0})
    with pytest.raises(ValueError, match=r"Unknown perception model 'spase'.*space"):
        score_scenes("Pong", "spase", frames=2, pool=1, steps=1)
    with pytest.raises(FileNotFoundError, match=r"no weights of 'motion' for Tennis.*pretrain"):
        score_scenes("Tennis", "motion", noise=["none", "both"])
    MotionKeypoints(num_keypoints=2, width=8).save_pretrained(tmp_path / "points")
    with pytest.raises(ValueError, match="points holds weights of keypoints, not of scenes"):
        score_scenes("Pong", weights=[colours, tmp_path / "points"])


def test_encodings_without_a_detection(tmp_path):
    nothing = Seen.of_boxes(np.zeros((0, 4)))
    what, labels = encodings_of([nothing], [_Empty()])
    assert what.shape == (0, 0) and labels.shape == (0,)
    assert draw_encodings(str(tmp_path / "none"), [nothing], [_Empty()]) == []


class _Empty:
    def sought(self, which):
        return []
