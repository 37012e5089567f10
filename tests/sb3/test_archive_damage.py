"""Archives of strangers: what is damaged, too large or something else is one clear error."""

import io
import os
import pickle
import tempfile
import time
import zipfile
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3 import A2C
from torch import nn

from objwrappers.sb3.archive import read_policy
from objwrappers.sb3.policy_table import ACTIVATIONS, policy_named

VECTOR = gym.spaces.Box(-1, 1, (5,), np.float32)
ACTIONS = gym.spaces.Discrete(3)


class Still(gym.Env):
    """Nothing happens."""

    observation_space, action_space = VECTOR, ACTIONS

    def reset(self, *, seed=None, options=None):
        return np.zeros(5, np.float32), {}

    def step(self, action):
        return np.zeros(5, np.float32), 0.0, False, False, {}


def save(path, **kwargs):
    A2C("MlpPolicy", Still(), seed=3, device="cpu", policy_kwargs=kwargs).save(path)


@pytest.fixture(scope="module")
def small():
    """The bytes of an archive of 5 → 4 → 3."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        save(path, net_arch=[4])
        return path.read_bytes()


def read(path, **options):
    kwargs = {"policy_kwargs": {"net_arch": [4]}, "device": "cpu", **options}
    return read_policy(path, policy_named("a2c", "MlpPolicy"), VECTOR, ACTIONS, **kwargs)


def rezipped(content, changes, compression=zipfile.ZIP_STORED):
    """The archive with other members; None leaves one out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {**{name: old.read(name) for name in old.namelist()}, **changes}
    with zipfile.ZipFile(buffer, "w", compression) as new:
        for name, data in members.items():
            if data is not None:
                new.writestr(name, data)
    return buffer.getvalue()


def weights_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("policy.pth")


def saved(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def changed(content, change):
    state = torch.load(io.BytesIO(weights_of(content)), weights_only=True)
    change(state)
    return rezipped(content, {"policy.pth": saved(state)})


class Harm:
    """Unpickled, it makes a folder."""

    def __init__(self, where):
        self.where = str(where)

    def __reduce__(self):
        return os.mkdir, (self.where,)


def test_no_pickle_is_read(tmp_path, small):
    harm = tmp_path / "harm"
    (tmp_path / "a.zip").write_bytes(rezipped(small, {"data": pickle.dumps(Harm(harm))}))
    assert isinstance(read(tmp_path / "a.zip"), policy_named("a2c", "MlpPolicy"))
    (tmp_path / "b.zip").write_bytes(rezipped(small, {"policy.pth": saved({"a": Harm(harm)})}))
    with pytest.raises(ValueError, match=r"b\.zip cannot be read"):
        read(tmp_path / "b.zip")
    assert not harm.exists()
    torch.load(io.BytesIO(saved({"a": Harm(harm)})), weights_only=False)
    assert harm.exists(), "the harm would have been done"


def set_nan(state):
    state["value_net.bias"][0] = float("nan")


def set_infinite(state):
    state["action_net.weight"][1, 2] = float("inf")


def widen(state):
    state["action_net.bias"] = torch.zeros(4)


def deepen(state):
    state["action_net.bias"] = state["action_net.bias"].double()


def forget(state):
    del state["action_net.bias"]


def invent(state):
    state["another"] = torch.zeros(1)


def no_tensor(state):
    state["action_net.bias"] = [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_nan, "'value_net.bias' is not finite"),
        (set_infinite, "'action_net.weight' is not finite"),
        (widen, r"'action_net.bias' is torch.float32 of \(4,\), not torch.float32 of \(3,\)"),
        (deepen, "'action_net.bias' is torch.float64"),
        (forget, r"without \['action_net.bias'\]"),
        (invent, r"with \['another'\]"),
        (no_tensor, "holds no tensors by name"),
    ],
)
def test_other_tensors_are_refused(tmp_path, small, change, message):
    path = tmp_path / "a.zip"
    path.write_bytes(changed(small, lambda state: None))
    read(path)
    path.write_bytes(changed(small, change))
    with pytest.raises(ValueError, match=f"{path} cannot be read as this policy: .*{message}"):
        read(path)


def test_members_are_those_of_stable_baselines3(tmp_path, small):
    path = tmp_path / "a.zip"
    many = {str(i): b"" for i in range(2000)}
    for changes, message in (
        ({"../evil": b""}, r"writes no '../evil'"),
        ({"policy.pth": None}, "must have one policy.pth"),
        (many, "list of members has"),
        ({"policy.pth": bytes(2**21)}, "has 2,097,152 bytes, at most"),
        ({"policy.pth": b"no weights"}, "not a zip"),
    ):
        path.write_bytes(rezipped(small, changes, zipfile.ZIP_DEFLATED))
        with pytest.raises(ValueError, match=f"{path} cannot be read as this policy: .*{message}"):
            read(path)
    path.write_bytes(small + b"more")
    with pytest.raises(ValueError, match="does not end as"):
        read(path)


def test_compressed_records_are_refused(tmp_path, small):
    path = tmp_path / "a.zip"
    packed = rezipped(weights_of(small), {}, zipfile.ZIP_DEFLATED)
    path.write_bytes(rezipped(small, {"policy.pth": packed}))
    with pytest.raises(ValueError, match="compressed records"):
        read(path)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"net_arch": [10**9, 10**9]}, "bytes was asked for"),
        ({"net_arch": [10**30]}, "cannot be built"),
        ({"net_arch": "dict(pi=[4])"}, "cannot be built"),
        ({"nets": [4]}, "unexpected keyword argument 'nets'"),
        ({"net_arch": [4], "activation_fn": "nn.Relu"}, "Unknown activation_fn .* 'nn.ReLU'"),
        ({"net_arch": [4], "activation_fn": "os.system"}, "Unknown activation_fn"),
        ({"net_arch": [4], "activation_fn": nn.ReLU}, "must be finite numbers"),
        ({"net_arch": [4], "log_std_init": float("nan")}, "must be finite numbers.* nan"),
        ({"net_arch": [4] * 2000}, "more than 1000 parts"),
        ({"net_arch": [5]}, r"'mlp_extractor.policy_net.0.weight' is .*\(4, 5\), not .*\(5, 5\)"),
    ],
)
def test_options_that_are_refused_at_once(tmp_path, small, kwargs, message):
    path = tmp_path / "a.zip"
    path.write_bytes(small)
    begin = time.process_time()
    with pytest.raises(ValueError, match=f"(?s){path}.*{message}"):
        read(path, policy_kwargs=kwargs)
    assert time.process_time() - begin < 5


def test_layers_without_end_are_refused_at_once(tmp_path, small):
    path = tmp_path / "a.zip"
    path.write_bytes(small)
    kwargs = {"lstm_hidden_size": 4, "n_lstm_layers": 10**9}
    begin = time.process_time()
    with pytest.raises(ValueError, match=r"cannot be built .* too many parts"):
        read_policy(path, policy_named("ppo_lstm", "MlpLstmPolicy"), VECTOR, ACTIONS, kwargs)
    assert time.process_time() - begin < 10


def test_activations_by_name(tmp_path):
    path = tmp_path / "a.zip"
    for name, activation in ACTIVATIONS.items():
        save(path, net_arch=[4], activation_fn=activation)
        kwargs = {"net_arch": [4], "activation_fn": name}
        layers = read(path, policy_kwargs=kwargs).mlp_extractor.policy_net
        assert type(layers[1]) is activation
        assert kwargs["activation_fn"] == name, "the caller's options stay as they are"


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.zip")
    os.mkfifo(tmp_path / "fifo.zip")
    for path in (tmp_path / "fifo.zip", tmp_path):
        with pytest.raises(ValueError, match=f"{path} is no file"):
            read(path)


def outcome(content):
    """The policy's tensors, or None for a ValueError that names the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fuzzed.zip")
        path.write_bytes(content)
        try:
            return read(path).state_dict()
        except ValueError as error:
            assert str(path) in str(error)
            return None


def cut(draw, content):
    """Some bytes changed, left out or put in."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content) - 1))
        stop = draw(st.sampled_from([start, start + 1, start + 30, len(content)]))
        content[start:stop] = draw(st.binary(max_size=8))
        if not content:
            break
    return bytes(content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_archives_are_errors_or_as_before(small, data):
    found = outcome(cut(data.draw, small))
    if found is not None:
        for name, tensor in outcome(small).items():
            assert torch.equal(found[name], tensor)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_weights_are_errors_or_finite(small, data):
    damaged = cut(data.draw, weights_of(small))
    found = outcome(rezipped(small, {"policy.pth": damaged}))
    if found is not None:
        assert found.keys() == outcome(small).keys()
        assert all(torch.isfinite(tensor).all() for tensor in found.values())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_anything_is_an_error(content):
    assert outcome(content) is None
