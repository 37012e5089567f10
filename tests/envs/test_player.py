"""Ids that know who the player is: their options, and what they refuse."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from scenes import named_blobs

import objwrappers  # noqa: F401
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.roles import Roles

MORE = {"relations": True, "map": True}


def roles_of(model, player=0) -> Roles:
    """Of the blobs in Pong's native frames: a wall where the field begins."""
    roles = Roles(3, model.classifier.labels, model.classifier.rows, None, player)
    roles.classifier.load_state_dict(model.classifier.state_dict())
    roles.harm = torch.tensor([0.0, 0.5, 0.0])
    walls = np.zeros((210, 160), bool)
    walls[24:34] = True
    roles.set_scenery(np.zeros((210, 160, 3), np.uint8), walls, np.zeros((210, 160), bool))
    return roles


@pytest.fixture
def known():
    model = named_blobs(rows=(4, 4, 4), threshold=0.6)
    return {"model": model, "roles": roles_of(model)}


def test_relations_and_map_come_on_top(known):
    plain = gym.make("ObjScene-Pong-v0", model=known["model"])
    env = gym.make("ObjScene-Pong-v0", **known, **MORE)
    assert {*env.observation_space} - {*plain.observation_space} == {"relative", "map"}
    only = gym.make("ObjScene-Pong-v0", **known)
    assert {*only.observation_space} == {*plain.observation_space}
    expected, _ = plain.reset(seed=3)
    seen, _ = env.reset(seed=3)
    for _ in range(40):
        assert env.observation_space.contains(seen)
        for key, value in expected.items():
            np.testing.assert_array_equal(seen[key], value, err_msg=key)
        seen, expected = env.step(2)[0], plain.step(2)[0]
    assert np.abs(seen["relative"]).max() > 0.1
    assert 0 < (seen["map"] > 0).mean() < 1


def test_single_and_vector_envs_see_the_same(known):
    options = {**known, **MORE, "repeat_action_probability": 0.0}
    envs = gym.make_vec("ObjScene-Pong-v0", num_envs=3, **options)
    singles = [gym.make("ObjScene-Pong-v0", **options) for _ in range(3)]
    together, _ = envs.reset(seed=7)
    alone = [env.reset(seed=7 + n)[0] for n, env in enumerate(singles)]
    rng = np.random.default_rng(0)
    for _ in range(60):
        for key in together:
            expected = np.stack([seen[key] for seen in alone])
            np.testing.assert_allclose(together[key], expected, atol=1e-6, err_msg=key)
        actions = rng.integers(6, size=3)
        together = envs.step(actions)[0]
        alone = [env.step(action)[0] for env, action in zip(singles, actions, strict=True)]


def test_keypoints_give_slots_too(known):
    env = gym.make("ObjKeypoints-Pong-v0", slots=True)
    assert {*env.observation_space} == {"boxes", "velocity", "present", "what", "label"}
    seen, _ = env.reset(seed=0)
    for _ in range(30):
        seen = env.step(2)[0]
    assert (seen["present"] > 0.5).sum() >= 2
    refined = gym.make("ObjKeypoints-Pong-v0", refine=True)
    assert refined.observation_space == gym.make("ObjKeypoints-Pong-v0").observation_space


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"relations": 2}, "relations must be True or False, got 2"),
        ({"map": "yes"}, "map must be True or False, got 'yes'"),
        ({"map": True, "track": False}, "of objects that are followed: leave track on"),
        ({"roles": "/nowhere"}, "neither a folder nor a hub repository"),
        ({"track": 3}, "track must be True, False or a dict of options, got 3"),
    ],
)
def test_bad_options_are_named(known, options, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        gym.make("ObjScene-Pong-v0", **{**known, **options})


def test_a_game_without_roles_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"zoo/roles.py --model blobs --game Kangaroo"):
        gym.make("ObjScene-Kangaroo-v0", model=named_blobs(), map=True)


def test_a_game_without_a_player_says_so(known):
    roles = roles_of(known["model"], player=None)
    with pytest.raises(ValueError, match="No player was found in this game"):
        gym.make("ObjScene-Pong-v0", model=known["model"], roles=roles, map=True)


def test_roles_of_other_weights_are_refused(known, tmp_path):
    facts = {"family": "scenes", "model": "blobs", "digest": "0" * 64}
    known["roles"].save(tmp_path / "roles", **facts)
    options = {**known, "roles": str(tmp_path / "roles")}
    with pytest.raises(ValueError, match="made for other weights"):
        gym.make("ObjScene-Pong-v0", **options)


def test_roles_of_another_game_are_refused_as_an_object_too(known, tmp_path):
    facts = {"family": "scenes", "model": "blobs", "digest": "0" * 64}
    known["roles"].save(tmp_path / "roles", **facts)
    with pytest.raises(ValueError, match="made for other weights"):
        gym.make("ObjScene-Pong-v0", **{**known, "roles": Roles.load(tmp_path / "roles")})


def test_a_model_that_is_given_may_be_trained_further():
    model = MotionKeypoints(num_keypoints=3, width=8).train()
    gym.make("ObjKeypoints-Pong-v0", model=model, refine=True)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(part.training for part in model.modules())


def test_what_goes_with_roles_is_not_dropped_in_silence(known):
    with pytest.raises(ValueError, match="Roles have classes of their own: leave classifier out"):
        gym.make("ObjScene-Pong-v0", **known, classifier=known["model"].classifier)
    for option in ({"features": "map"}, {"map_size": 14, "features": "map"}, {"refine": True}):
        with pytest.raises(ValueError, match="leave refine, features and map_size out"):
            gym.make("ObjKeypoints-Pong-v0", slots=True, **option)
    with pytest.raises(ValueError, match="slots must be True or False, got 'no'"):
        gym.make("ObjKeypoints-Pong-v0", slots="no")
    with pytest.raises(ValueError, match="refine must be True or False, got 2"):
        gym.make("ObjKeypoints-Pong-v0", refine=2)


@pytest.mark.parametrize(
    ("env_id", "option", "words"),
    [
        (
            "ObjFrames-Pong-v0",
            {"map": True},
            "option of ObjScene and ObjRAM ids, and of ObjKeypoints",
        ),
        ("ObjScene-Pong-v0", {"roles": 3}, "a folder, a hub repository or Roles, got 3"),
        ("ObjScene-Pong-v0", {"slots": True}, "option of ObjKeypoints ids"),
        ("ObjScene-Pong-v0", {"refine": True}, "option of ObjKeypoints ids"),
        ("ObjKeypoints-Pong-v0", {"classifier": "x"}, "option of ObjScene ids"),
    ],
)
def test_options_of_other_ids_are_told(env_id, option, words):
    with pytest.raises(ValueError, match=words):
        gym.make(env_id, **option)


def test_slots_need_a_keypoint_module():
    with pytest.raises(ValueError, match="refine and slots need a KeypointModule"):
        gym.make("ObjKeypoints-Pong-v0", model=named_blobs(), slots=True)
