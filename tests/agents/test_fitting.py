"""What an agent's env perceives, and whether it is what its training perceived."""

import warnings
from pathlib import Path

import pytest
from stable_baselines3.common.vec_env import VecFrameStack

from objwrappers.agents.envs import make_env
from objwrappers.agents.fitting import check_perceived, perceived
from objwrappers.perception.loading import load_model
from objwrappers.perception.roles import find_roles

OBJECTS = {"model": "motion", "relations": True, "map": True}


@pytest.mark.parametrize("single", [False, True], ids=["vector", "single envs"])
def test_models_classes_and_roles_are_told(single):
    keypoints = load_model("motion", "Pong", device="cpu")
    scene = load_model("motion", "Pong", device="cpu", family="scenes")
    roles = find_roles("motion", "Pong", digest=scene.digest)
    expected = {
        "keypoints motion": keypoints.digest[:12],
        "scenes motion": scene.digest[:12],
        "classes": roles.classifier.digest[:12],
        "roles": roles.digest[:12],
    }
    given = {**OBJECTS, "raw_frames": True} if single else OBJECTS  # an option of one env alone
    env = make_env("ObjKeypoints-Pong-v0", 2, {**given, "device": "cpu"})
    assert perceived(env) == expected
    env.close()
    assert scene.digests["classes"] != roles.classifier.digest, "the roles' classes are others"


def test_where_nothing_is_perceived_nothing_is_told():
    for env_id in ("ObjFrames-Pong-v0", "CartPole-v1"):
        env = make_env(env_id, 1, wrappers=[lambda env: VecFrameStack(env, 2)])
        assert perceived(env) == {}
        env.close()


def test_only_what_changed_is_a_warning():
    env = make_env("ObjKeypoints-Pong-v0", 1, {"model": "motion", "device": "cpu"})
    here = perceived(env)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_perceived(Path("a.zip"), {}, env)  # an agent of before
        check_perceived(Path("a.zip"), here, env)
    now = here["keypoints motion"]
    words = rf"a\.zip was trained on what others saw \(keypoints motion 123, now {now}\)"
    with pytest.warns(UserWarning, match=words):
        check_perceived(Path("a.zip"), {"keypoints motion": "123"}, env)
    with pytest.warns(UserWarning, match=r"\(roles 123, now None\)"):
        check_perceived(Path("a.zip"), {**here, "roles": "123"}, env)
    env.close()
