"""Agents see what they saw when they were trained, whatever an id's own model is by now."""

from objwrappers.agents.envs import with_model


def test_new_files_tell_the_model_and_old_ones_are_of_the_former_one():
    env_id = "ObjKeypoints-Pong-v0"
    assert with_model(env_id, {"noise": "both"}) == {"model": "light", "noise": "both"}
    assert with_model(env_id, {}, former=True) == {"model": "motion"}
    assert with_model(env_id, {"model": "permakey"}, former=True) == {"model": "permakey"}
    # Weights say whose they are.
    assert with_model(env_id, {"weights": "mine"}) == {"weights": "mine"}
    for other in ("ObjFrames-Pong-v0", "ObjScene-Pong-v0", "CartPole-v1"):
        assert with_model(other, {}) == with_model(other, {}, former=True) == {}
