"""Each family of ids passes the same tests."""

from conformance import EnvConformance

from objwrappers.registration import FAMILIES


class Atari(EnvConformance):
    options = {"repeat_action_probability": 0.0}
    short = {"max_num_frames_per_episode": 60}
    variants = [{}, {"noop_max": 30}, {"noise": "both", "fire_each_life": True}]


class TestFrames(Atari):
    env_id = "ObjFrames-Breakout-v0"


class TestFramesInColour(Atari):
    env_id = "ObjFrames-MsPacman-v0"
    options = {**Atari.options, "grayscale": False, "stack_num": 2, "padding_type": "zero"}


class TestKeypoints(Atari):
    env_id = "ObjKeypoints-MsPacman-v0"
    options = {**Atari.options, "device": "cpu"}
    variants = [{}, {"noop_max": 30}]
    tolerance = 1e-5


def test_every_family_is_tested():
    tested = {test.env_id.partition("-")[0] for test in Atari.__subclasses__()}
    assert tested == set(FAMILIES)
