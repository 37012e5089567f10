"""Classifiers of z_what, and their files: what was written, or one clear error."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenes import named_blobs

from objwrappers.perception.scenes.classifier import SceneClassifier

READ_ONLY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def classifier():
    centroids = torch.tensor([[1.0, 0, 0], [0, 2.0, 0]])
    return SceneClassifier.of_centroids(centroids, ["player", "ball"], [1, 3])


@pytest.fixture
def folder(tmp_path):
    classifier().save(tmp_path / "names", weights_digest=named_blobs().digest)
    return tmp_path / "names"


def edit(folder, **changes):
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value != "drop"}))


def test_the_nearest_centroid_wins():
    what = torch.tensor([[0.9, 0.3, 5.0], [0.1, 0.95, 0.0], [0.6, 0.9, 0]])
    distances = torch.cdist(what, torch.tensor([[1.0, 0, 0], [0, 2.0, 0]]))
    assert classifier()(what).argmax(-1).tolist() == distances.argmin(-1).tolist() == [0, 1, 0]
    assert classifier()(torch.tensor([0.0, 1.4, 0])).argmax(-1) == 1


def test_scores_are_of_full_precision_under_autocast():
    near = torch.tensor([[3.0, 0], [3.1, 0]])
    judge = SceneClassifier.of_centroids(near, ["a", "b"], [1, 1])
    what = torch.tensor([[3.02, 0], [3.04, 0], [3.08, 0]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert judge(what).argmax(-1).tolist() == [0, 0, 1]


def test_what_is_saved_is_what_is_loaded(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    for module in (None, named_blobs()):
        read = SceneClassifier.load(folder, for_module=module)
        assert (read.labels, read.rows) == (("player", "ball"), (1, 3))
        torch.testing.assert_close(read.weight, classifier().weight, rtol=0, atol=0)
        torch.testing.assert_close(read.bias, classifier().bias, rtol=0, atol=0)


def test_one_for_other_weights_is_refused(folder, tmp_path):
    other = named_blobs()
    with torch.no_grad():
        other.threshold += 0.1
    with pytest.raises(ValueError, match=r"config.json was made for other weights.*Fit a class"):
        SceneClassifier.load(folder, for_module=other)
    classifier().save(tmp_path / "any")
    SceneClassifier.load(tmp_path / "any", for_module=other)
    SceneClassifier(2, ["a"], [1]).save(tmp_path / "small")
    with pytest.raises(ValueError, match=r"reads a z_what of 2 numbers .* give 3"):
        SceneClassifier.load(tmp_path / "small", for_module=other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["player", "player"]}, "labels must be 1 to 64 different names"),
        ({"labels": ["player", ""]}, "labels must be 1 to 64 different names"),
        ({"labels": ["player", 3]}, "labels must be of type"),
        ({"labels": "pb"}, "labels must be of type"),
        ({"labels": ["player"]}, "rows must be a number of at least 1 for each of 1 labels"),
        ({"rows": [1, 0]}, "rows must be a number of at least 1"),
        ({"rows": [1, 1e3]}, "rows must be of type"),
        ({"rows": [1, 1000]}, "at most 256 together"),
        ({"what_size": 10**9}, "what_size must be from 1 to 4096"),
        ({"what_size": True}, "what_size must be of type"),
        ({"what_size": 4}, "size mismatch for weight"),
        ({"rows": "drop"}, "it lacks rows"),
        ({"family": "drop"}, "not of a classifier of scenes"),
        ({"model": "motion"}, "not of a classifier of scenes"),
        ({"sha256": "0" * 64}, "SHA-256 is"),
    ],
)
def test_a_damaged_folder_is_one_error_that_names_the_file(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(ValueError, match=message) as error:
        SceneClassifier.load(folder)
    assert str(folder) in str(error.value)


def test_weights_are_no_classifier_and_nothing_is_none(folder, tmp_path):
    named_blobs().save_pretrained(tmp_path / "weights")
    with pytest.raises(ValueError, match="is of scenes 'blobs', not of a classifier of scenes"):
        SceneClassifier.load(tmp_path / "weights")
    with pytest.raises(FileNotFoundError, match="neither a folder nor a hub repository"):
        SceneClassifier.load(tmp_path / "nowhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no model.safetensors"):
        SceneClassifier.load(folder)


@READ_ONLY
@given(
    name=st.sampled_from(["config.json", "model.safetensors"]),
    at=st.floats(0, 1, exclude_max=True),
    new=st.binary(max_size=12),
    cut=st.booleans(),
)
def test_damage_anywhere_is_an_error_or_finite_numbers(folder, name, at, new, cut):
    path = folder / name
    whole = path.read_bytes()
    start = int(at * len(whole))
    path.write_bytes(whole[:start] + new + (b"" if cut else whole[start + len(new) :]))
    try:
        read = SceneClassifier.load(folder)
    except (ValueError, FileNotFoundError) as error:
        assert str(folder) in str(error)
    else:
        # The digest covers the tensors, and names may still be names.
        torch.testing.assert_close(read.weight, classifier().weight, rtol=0, atol=0)
        assert len(read.labels) == len(read.rows) == 2
    finally:
        path.write_bytes(whole)


def test_a_classifier_needs_classes():
    for labels, rows in (([], []), (["a"] * 65, [1] * 65), ([""], [1]), ([1], [1])):
        with pytest.raises(ValueError, match="labels must be 1 to 64 different names"):
            SceneClassifier(3, labels, rows)
    with pytest.raises(ValueError, match="what_size must be from 1"):
        SceneClassifier(0, ["a"], [1])
