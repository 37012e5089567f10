"""Wrong calls, as people make them: each ends in one error that names the value and the cure."""

import time

import gymnasium as gym
import numpy as np
import pytest
import torch

import objwrappers
from objwrappers.perception import storage
from objwrappers.perception.loading import load_model
from objwrappers.sb3 import GymVecEnv

FRAMES, KEYPOINTS, SCENE = (f"Obj{kind}-Pong-v0" for kind in ("Frames", "Keypoints", "Scene"))


def make(env_id=FRAMES, **options):
    return lambda: gym.make(env_id, **options).close()


def make_vec(env_id=FRAMES, **options):
    return lambda: gym.make_vec(env_id, **{"num_envs": 2, **options}).close()


def step(action, env_id=FRAMES):
    def call():
        env = gym.make(env_id)
        env.reset(seed=0)
        env.step(action)

    return call


def step_vec(actions, env_id=FRAMES):
    def call():
        envs = gym.make_vec(env_id, num_envs=2)
        envs.reset(seed=0)
        envs.step(actions)

    return call


def reset(vector=False, env_id=FRAMES, **options):
    def call():
        env = gym.make_vec(env_id, num_envs=2) if vector else gym.make(env_id)
        env.reset(seed=0)
        env.reset(**options)

    return call


def perceive(frames):
    return lambda: load_model("light", "Pong", device="cpu")(frames)


def load(*arguments, **options):
    return lambda: load_model(*arguments, **{"device": "cpu", **options})


INTEGERS = "Actions of Discrete.6. are integers, got"
SHAPE = r"take actions of shape \(2,\), got"
BOUNDS = r"Actions must be in Discrete\(6\), got"
POSITIVE = "must be a positive integer, got"
DEVICE = "here: pass auto, cpu or cuda"
OPTIONS = "options of reset.. are a dict or None, got 5"
SEED = "A seed is an integer of at least 0"
TENSOR = "Frames must be uint8 of shape .B, H, W, 3., got"

CALLS = {
    # Actions
    "no action": (step(None), f"{INTEGERS} object: None"),
    "half an action": (step(1.5), f"{INTEGERS} float64: 1.5"),
    "an action's name": (step("FIRE"), f"{INTEGERS} <U4: 'FIRE'"),
    "an action too many": (step(6), f"{BOUNDS} 6"),
    "a negative action": (step(-1), f"{BOUNDS} -1"),
    "no actions": (step_vec(None), f"{SHAPE} .*None"),
    "actions that are none": (step_vec([None, None]), f"{INTEGERS} object"),
    "half actions": (step_vec(np.array([0.5, 1.0])), f"{INTEGERS} float64"),
    "one action for two envs": (step_vec(np.array([1])), rf"{SHAPE} \(1,\)"),
    "one action of two too high": (step_vec(np.array([1, 99])), f"{BOUNDS} .*99"),
    "one action of two negative": (step_vec(np.array([1, -1])), f"{BOUNDS} .*-1"),
    # Numbers of envs and sizes
    "two and a half envs": (make_vec(num_envs=2.5), f"num_envs {POSITIVE} 2.5"),
    "envs in words": (make_vec(num_envs="4"), f"num_envs {POSITIVE} '4'"),
    "envs of None": (make_vec(num_envs=None), f"num_envs {POSITIVE} None"),
    "no envs": (make_vec(num_envs=0), f"num_envs {POSITIVE} 0"),
    "envs of True": (make_vec(num_envs=True), f"num_envs {POSITIVE} True"),
    "half a stack": (make(stack_num=2.5), f"stack_num {POSITIVE} 2.5"),
    "half a stack, vector": (make_vec(stack_num=2.5), f"stack_num {POSITIVE} 2.5"),
    "a stack in words": (make(stack_num="4"), f"stack_num {POSITIVE} '4'"),
    "frames without height": (make(img_height=0), f"img_height {POSITIVE} 0"),
    "frames of half pixels": (make(img_width=84.5), f"img_width {POSITIVE} 84.5"),
    "no frameskip": (make(frameskip=0), f"frameskip {POSITIVE} 0"),
    "a random frameskip": (make(frameskip=(2, 5)), rf"frameskip {POSITIVE} \(2, 5\)"),
    "a map in words": (make(KEYPOINTS, features="map", map_size="14"), "map_size .*'14'"),
    "half a map": (make(KEYPOINTS, features="map", map_size=2.5), "map_size .*2.5"),
    # ALE's options
    "a probability above one": (make(repeat_action_probability=2.0), r"in \[0, 1\], got 2.0"),
    "a probability in words": (make(repeat_action_probability="a"), r"in \[0, 1\], got 'a'"),
    "a flag in words": (make(full_action_space="yes"), "must be True or False, got 'yes'"),
    "a mode that there is not": (make(mode=99), "mode must be one of 0, 1 in pong, got 99"),
    "a mode in words": (make(mode="a"), "mode must be one of 0, 1 in pong, got 'a'"),
    "a difficulty too high": (make(difficulty=9), "difficulty must be one of .* got 9"),
    "a vector env's mode": (make_vec(mode=1), "has no option 'mode'; make single envs instead"),
    "memory as observation": (make(obs_type="ram"), "'obs_type'. Observations are those of the id"),
    "an unknown option": (make(foo=1), "Unknown option 'foo'. There are stack_num"),
    "Gymnasium's word": (make(frame_skip=4), "It is called 'frameskip'"),
    "bars of another kind": (make(noise="all"), "Unknown noise 'all'. There are none, vertical"),
    "bars of None": (make(noise=None), "Unknown noise None. Did you mean 'none'"),
    "another render mode": (make(render_mode="foo"), 'render_mode must be None or "rgb_array"'),
    "a game that there is not": (make("ObjFrames-Ponng-v0"), "Did you mean: `ObjFrames-Pong`"),
    # Resets
    "options of a number": (reset(options=5), OPTIONS),
    "options of a number, vector": (reset(True, options=5), OPTIONS),
    "options of a number, keypoints": (reset(True, KEYPOINTS, options=5), OPTIONS),
    "a negative seed": (reset(seed=-1), SEED),
    "a seed in words": (reset(seed="a"), SEED),
    "a mask of numbers": (
        reset(True, options={"reset_mask": np.array([1, 0])}),
        r"reset_mask must be bool \(2,\), got int64",
    ),
    # Models
    "no device": (make(KEYPOINTS, device=None), f"no device None {DEVICE}"),
    "a device that is not here": (make(KEYPOINTS, device="mps"), f"no device 'mps' {DEVICE}"),
    "another word for a device": (make(KEYPOINTS, device="gpu"), f"no device 'gpu' {DEVICE}"),
    "a model misspelled": (make(KEYPOINTS, model="motoin"), "Did you mean 'motion'"),
    "a model of a number": (make(KEYPOINTS, model=3), "a name or a perception model, got 3"),
    "a scene of a number": (make(SCENE, model=3), "needs a SceneModule, got a model of"),
    "weights without a name": (make(KEYPOINTS, weights=""), "weights='' is neither a folder"),
    "weights of a number": (make(KEYPOINTS, weights=3), "weights='3' is neither a folder"),
    "a runtime misspelled": (make(KEYPOINTS, runtime="onyx"), "Did you mean 'onnx'"),
    "observations elsewhere": (
        make_vec(KEYPOINTS, observation="gpu"),
        "observation must be 'numpy' or 'device', got 'gpu'",
    ),
    "tracking in words": (make(SCENE, track="x"), "track must be True, False or a dict"),
    "a game misspelled": (load("motion", "Pongg"), "of 'motion' for Pongg. Did you mean 'Pong'"),
    "a game of None": (load("motion", None), "game is a name, such as 'Pong', got None"),
    "a student without weights": (load("student", "Pong"), "--model student --teacher motion"),
    "an array for a model": (
        perceive(np.zeros((1, 210, 160, 3), np.uint8)),
        "got ndarray: pass torch.from_numpy",
    ),
    "frames of floats": (perceive(torch.zeros(1, 210, 160, 3)), f"{TENSOR} torch.float32"),
    "a frame without a batch": (perceive(torch.zeros(210, 160, 3).byte()), f"{TENSOR} torch.uint8"),
    # Others
    "an id for a VecEnv": (lambda: GymVecEnv(FRAMES), "got 'ObjFrames-Pong-v0': make one by"),
    "a single env for a VecEnv": (lambda: GymVecEnv(gym.make(FRAMES)), "GymVecEnv takes a vector"),
    "gaze of another kind": (
        make("ObjGaze-MsPacman-v0", mode="foo"),
        "Unknown mode 'foo'. There are channel",
    ),
    "gaze without weights": (make("ObjGaze-Pong-v0"), "--family gaze --model motion --game Pong"),
    "play without a folder": (make("AtariHead-MsPacman-v0"), "download.py --game ms_pacman"),
    "play in a number": (make("AtariHead-MsPacman-v0", path=5), "path must be a path, got 5"),
    "play nowhere": (make("AtariHead-MsPacman-v0", path="nowhere"), "no file or folder nowhere"),
    "another context": (
        make("Control-reacher-hard-v0", context="foo"),
        "Unknown context 'foo'. There are default",
    ),
    "demonstrations nowhere": (
        make("IfO-reacher-hard-v0", demonstration="foo"),
        "no demonstrations of reacher-hard in foo. Record some: .*--task reacher-hard",
    ),
    "a training of nothing": (lambda: objwrappers.pretrain("motion", "Ponng"), "mean 'Pong'"),
    "a training of no steps": (
        lambda: objwrappers.pretrain("motion", "Pong", n_timesteps=0),
        "n_timesteps must be an integer",
    ),
    "a recording of nothing": (
        lambda: objwrappers.collect("Pong", num_frames=0),
        "must be at least 1, got 0",
    ),
    "agents that there are not": (
        lambda: objwrappers.evaluate(FRAMES, "ppo", folder="nowhere"),
        "nowhere holds no ppo agent .* Train one: python zoo/train.py",
    ),
    "an algorithm misspelled": (
        lambda: objwrappers.evaluate(FRAMES, "pppo"),
        "Unknown algorithm 'pppo'. Did you mean 'ppo'",
    ),
    "id and algorithm exchanged": (
        lambda: objwrappers.evaluate("ppo", FRAMES),
        "Unknown algorithm 'ObjFrames-Pong-v0'. There are a2c",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_says_what_is_wrong_and_what_to_do(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    call, message = CALLS[name]
    with pytest.raises((ValueError, OSError, gym.error.Error), match=f"(?s){message}"):
        call()
    assert not [path for path in tmp_path.iterdir() if path.name != "cache"]


def test_weights_that_are_nowhere_are_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(storage.constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens
    begun = time.process_time()
    with pytest.raises(FileNotFoundError, match=r"'mylogs/motion' is .*127.0.0.1:9 does not answ"):
        load_model("motion", "Pong", weights="mylogs/motion", device="cpu")
    assert time.process_time() - begun < 5


def test_a_game_may_be_spelled_as_its_rom():
    assert load_model("motion", "ms_pacman", device="cpu").record["trained_on"]["task"] == (
        "MsPacman"
    )
