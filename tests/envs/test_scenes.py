"""ObjScene ids: their options, and what they refuse."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from scenes import Blobs, named_blobs

import objwrappers  # noqa: F401
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.registry import MODELS, ModelEntry
from objwrappers.perception.scenes.classifier import SceneClassifier

ENV = "ObjScene-Pong-v0"
KEYS = {"boxes", "velocity", "present", "what", "label"}


@pytest.mark.parametrize("make", [gym.make, lambda *a, **kw: gym.make_vec(*a, num_envs=2, **kw)])
def test_rows_are_those_of_the_classifier(make, tmp_path):
    model = named_blobs(rows=(1, 2, 3))
    names = SceneClassifier(3, ["thing"], [4])
    names.save(tmp_path / "names", weights_digest=model.digest)
    for classifier, rows in ((None, 6), (names, 4), (str(tmp_path / "names"), 4)):
        env = make(ENV, model=model, classifier=classifier)
        space = getattr(env, "single_observation_space", env.observation_space)
        assert {*space} == KEYS
        assert {part.shape[0] for part in space.spaces.values()} == {rows}
    assert model.classifier.rows == (1, 2, 3), "the model itself stays as it was"


def test_without_tracking_there_is_no_velocity_and_rows_are_the_models():
    model = named_blobs(threshold=0.6)
    env = gym.make(ENV, model=model, track=False, render_mode="rgb_array")
    observation, _ = env.reset(seed=0)
    assert {*observation} == KEYS - {"velocity"} == {*model.observation_space}
    picture = torch.from_numpy(env.get_wrapper_attr("picture"))
    for key, value in model(picture[None]).items():
        np.testing.assert_allclose(observation[key], value[0].numpy(), atol=1e-6)
    assert env.render().shape == (630, 480, 3)


def test_options_of_tracking_reach_the_tracker():
    plays = []
    for track in (True, {"gate": 0.5}, {"alpha": 0.5, "beta": 0.1}):
        env = gym.make(ENV, model=named_blobs(threshold=0.6), track=track)
        env.reset(seed=0)
        plays.append([env.step(2)[0] for _ in range(30)])
    normal, strict, smooth = (np.stack([step["velocity"] for step in play]) for play in plays)
    # Within half a pixel of where it was is what stands still.
    assert abs(normal).max() > 0.01 > abs(strict).max()
    assert not np.array_equal(normal, smooth)


def test_pictures_have_names_and_tracks():
    env = gym.make(ENV, model=named_blobs(rows=(6, 6, 6), threshold=0.6), render_mode="rgb_array")
    env.reset(seed=0)
    assert env.get_wrapper_attr("transform").label_names == ("red", "green", "blue")
    for _ in range(25):
        env.step(2)
    percepts = env.get_wrapper_attr("_percepts")
    assert percepts["tracks"].shape == (18, 12, 2)
    assert np.isfinite(percepts["tracks"]).any()
    bare = {key: value for key, value in percepts.items() if key != "tracks"}
    transform, picture = env.get_wrapper_attr("transform"), env.get_wrapper_attr("picture")
    assert (env.render() != transform.draw(picture, bare)).any()


def test_what_is_no_scene_model_or_has_no_weights_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(MODELS["scenes"], "blobs", ModelEntry(f"{Blobs.__module__}:Blobs", ""))
    with pytest.raises(ValueError, match=r"ObjScene needs a SceneModule, got .*MotionKeypoints"):
        gym.make(ENV, model=MotionKeypoints(num_keypoints=3, width=8))
    with pytest.raises(ValueError, match=r"Unknown perception model 'permakey'.* motion"):
        gym.make(ENV, model="permakey")
    with pytest.raises(FileNotFoundError, match=r"--family scenes --model blobs --game Tennis"):
        gym.make("ObjScene-Tennis-v0", model="blobs")
    with pytest.raises(ValueError, match=r"'features'\. It is an option of ObjKeypoints"):
        gym.make(ENV, model=named_blobs(), features="map")
    with pytest.raises(ValueError, match=r"track=\{'gate': 1\} is of slots"):
        gym.make("ObjKeypoints-Pong-v0", track={"gate": 1})
    with pytest.raises(ValueError, match=r"track must be True, False or a dict .* got 'yes'"):
        gym.make(ENV, model=named_blobs(), track="yes")
    with pytest.raises(ValueError, match=r"Unknown option of tracking 'gait'"):
        gym.make(ENV, model=named_blobs(), track={"gait": 1})


def test_weights_of_keypoints_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS["scenes"], "blobs", ModelEntry(f"{Blobs.__module__}:Blobs", ""))
    MotionKeypoints(num_keypoints=3, width=8).save_pretrained(tmp_path / "keypoints")
    with pytest.raises(ValueError, match=r"holds weights of 'motion'.*family='keypoints'"):
        gym.make(ENV, model="blobs", weights=str(tmp_path / "keypoints"))


def test_a_classifier_for_other_weights_is_refused(tmp_path):
    other = named_blobs()
    with torch.no_grad():
        other.threshold += 0.1
    SceneClassifier(3, ["thing"], [4]).save(tmp_path / "names", weights_digest=other.digest)
    for make in (gym.make, gym.make_vec):
        with pytest.raises(ValueError, match="was made for other weights"):
            make(ENV, model=named_blobs(), classifier=str(tmp_path / "names"))
    with pytest.raises(FileNotFoundError, match="neither a folder nor a hub repository"):
        gym.make(ENV, model=named_blobs(), classifier=str(tmp_path / "nothing"))
