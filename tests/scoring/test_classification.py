"""Classifiers from a few examples: scikit-learn's decisions, rows, what is stored."""

import json

import numpy as np
import pytest
import torch
from colour_scene import ColourScene
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from objwrappers.metrics.sprite import Sprite
from objwrappers.perception.scenes.classifier import SceneClassifier
from objwrappers.scoring.classification import classifier_of, label_scenes, rows_of
from objwrappers.scoring.scene_truth import Seen, Truth


@pytest.mark.parametrize("method", ["ridge", "logistic"])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_a_classifier_decides_as_scikit_learn_does(classes, method):
    rng = np.random.default_rng(classes)
    labels = np.array([f"class {i}" for i in rng.integers(classes, size=300)])
    what, others = rng.normal(size=(300, 5)), rng.normal(size=(2000, 5))
    what[:, 0] += labels == "class 1"
    names = np.unique(labels).tolist()
    classifier = classifier_of(what, labels, dict.fromkeys(names, 2), method)
    assert classifier.labels == tuple(names) and classifier.rows == (2,) * classes
    named = classifier(torch.from_numpy(others).float()).argmax(-1)
    scale = 1 if method == "ridge" else np.sqrt(what.var(0).mean())
    model = RidgeClassifier() if method == "ridge" else LogisticRegression(max_iter=1000)
    expected = model.fit(what / scale, labels).predict(others / scale)
    assert len({*expected}) == classes, "each class is decided for"
    assert np.mean(np.array(names)[named] == expected) > 0.999  # float32 against float64


def test_logistic_regression_does_not_care_for_the_scale_of_encodings():
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b"], 50)
    what = rng.normal(size=(100, 3)) + (labels == "b")[:, None]
    rows = {"a": 1, "b": 1}
    large, small = classifier_of(what, labels, rows), classifier_of(what / 100, labels, rows)
    torch.testing.assert_close(small.weight / 100, large.weight, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(small.bias, large.bias, rtol=1e-3, atol=1e-3)


def test_a_single_class_needs_no_fit():
    classifier = classifier_of(np.ones((3, 4)), np.array(["ball"] * 3), {"ball": 1})
    assert classifier.labels == ("ball",)
    assert classifier(torch.randn(5, 4)).argmax(-1).tolist() == [0] * 5


def test_logistic_regression_knows_how_frequent_classes_are():
    rng = np.random.default_rng(0)
    labels = np.repeat(["often", "seldom"], [20, 10])
    what = rng.normal(size=(30, 1)) + (labels == "seldom")[:, None]
    rows = {"often": 1, "seldom": 1}
    known = classifier_of(what, labels, rows, "logistic", {"often": 900, "seldom": 50})
    fitted = classifier_of(what, labels, rows)
    assert torch.equal(known.weight, fitted.weight)
    # Examples say 2 to 1, play says 18 to 1: the log odds are 2·b and move by log 9.
    moved = (known.bias - fitted.bias).diff().item()
    assert moved == pytest.approx(-np.log(9), abs=1e-5)
    ridge = classifier_of(what, labels, rows, "ridge", {"often": 900, "seldom": 50})
    assert torch.equal(ridge.bias, classifier_of(what, labels, rows, "ridge").bias)


def truth(*labels):
    objects = [
        Sprite("ghost", 10 + 20 * i, 50, 8, 8, label=label) for i, label in enumerate(labels)
    ]
    return Truth(objects, objects[:1], [], (0, 160, 0, 210))


def test_rows_suffice_where_the_class_is():
    # Edible ghosts are in 3 of 1000 frames: rare, but then there are four of them.
    truths = [truth("sue", "sue")] * 996 + [truth("sue", "sue", "sue")]
    truths += [truth("edible", "edible", "edible", "edible")] * 3
    blank = Seen.of_boxes(np.array([(140.0, 100, 4, 4), (10, 50, 8, 8)]))
    rows = rows_of(truths, [blank] * 1000, ["sue", "edible", "other", "fruit"])
    assert rows == {"sue": 2, "edible": 4, "other": 1, "fruit": 1}


def test_classes_are_learnt_and_stored_with_the_weights(colours, tmp_path):
    made = label_scenes(
        "colours", "Pong", colours, shots=4, frames=60, output=tmp_path / "named", device="cpu"
    )
    assert made.labels == ("ball", "enemy", "player") and made.rows == (1, 1, 1)
    assert made.accuracy == 1
    stored = ColourScene.from_pretrained(tmp_path / "named")
    assert stored.classifier.labels == made.labels
    record = json.loads((tmp_path / "named" / "config.json").read_text())["classifier"]
    assert (record["shots"], record["accuracy"], record["seed"]) == (4, 1, 0)
    assert record["method"] == "logistic"
    assert record["scikit-learn"].startswith("1.")
    assert {path.name for path in (tmp_path / "named").iterdir()} == {
        *("config.json", "model.safetensors")
    }
    named = stored.classifier(stored.colours).argmax(-1)
    assert [made.labels[i] for i in named] == ["player", "enemy", "ball"]


def test_a_classifier_by_itself_knows_its_weights(colours, tmp_path):
    label_scenes(
        *("colours", "Pong", colours),
        **{"shots": 4, "frames": 40, "output": tmp_path / "names", "separate": True},
    )
    model = ColourScene.from_pretrained(colours)
    classifier = SceneClassifier.load(tmp_path / "names", for_module=model)
    assert classifier.labels == ("ball", "enemy", "player")
    torch.nn.init.zeros_(model.colours)
    with pytest.raises(ValueError, match="made for other weights"):
        SceneClassifier.load(tmp_path / "names", for_module=model)


def test_bad_input_is_named(colours, tmp_path):
    with pytest.raises(ValueError, match="shots must be at least 1, got 0"):
        label_scenes("colours", "Pong", colours, shots=0)
    with pytest.raises(ValueError, match=r"Unknown method 'ridg'.*ridge"):
        label_scenes("colours", "Pong", colours, method="ridg")
    with pytest.raises(ValueError, match="needs an output"):
        label_scenes("colours", "Pong", colours, separate=True)
    with pytest.raises(ValueError, match=r"Objects of AirRaid are not known.*MsPacman"):
        label_scenes("colours", "AirRaid", colours, frames=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt"):
        label_scenes("colours", "Pong", colours, output=tmp_path / "full")
    blind = ColourScene(blind=True)
    blind.save_pretrained(tmp_path / "blind")
    with pytest.raises(ValueError, match="colours found no class 4 times in 5 frames of Pong"):
        label_scenes("colours", "Pong", tmp_path / "blind", frames=5)
