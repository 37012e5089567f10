"""Another engine gives what torch gives, or says why not."""

import copy
import gc
import pickle
import threading
import warnings
import weakref

import numpy as np
import pytest
import torch

from objwrappers.files import cache_folder
from objwrappers.perception import runtime as runtimes
from objwrappers.perception.folding import folded
from objwrappers.perception.keypoint_module import KeypointModule
from objwrappers.perception.light import LightKeypoints
from objwrappers.perception.loading import load_model
from objwrappers.perception.parallel import Chunks
from objwrappers.perception.runtime import OnnxNetwork, running

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LightKeypoints(num_keypoints=5).eval().requires_grad_(False)


def pictures(count, height=105, width=80, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, height, width, 3), generator=generator, dtype=torch.uint8)


@torch.inference_mode()
def compare(network, model, frames):
    expected, got = folded(model)(frames), network(frames)
    assert [*got] == [*expected]
    for key, value in expected.items():
        torch.testing.assert_close(got[key], value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["light", "motion", "transporter"])
def test_bundled_keypoints_are_equal_to_eager_ones(name):
    model = load_model(name, "MsPacman", device="cpu")
    network = running(model, "onnx")
    assert isinstance(network, OnnxNetwork)
    # Frames like those of a game: large even patches.
    frames = pictures(5, 21, 16).repeat_interleave(10, 1).repeat_interleave(10, 2)
    compare(network, model, frames)


@pytest.mark.parametrize("height", [105, 125])
def test_light_keypoints_of_any_height_and_batch(height):
    model = LightKeypoints(num_keypoints=3, height=height).eval().requires_grad_(False)
    network = running(model, "onnx")
    for count in (1, 2, 16):
        compare(network, model, pictures(count, height))
    compare(network, model, pictures(2, 2 * height, 160))


def test_a_map_of_features_is_equal_too(model):
    model.use_features("map")
    network = running(model, "onnx")
    frames = pictures(4)
    with torch.inference_mode():
        got, expected = network(frames)["features"], folded(model)(frames)["features"]
    assert (got - expected).abs().max() <= 1


def test_auto_takes_it_and_what_is_exported_is_kept(model, monkeypatch):
    assert isinstance(running(model), OnnxNetwork)
    monkeypatch.setattr(runtimes, "_export", None)  # is not asked again
    assert isinstance(running(model), OnnxNetwork)
    (file,) = cache_folder("onnx").iterdir()
    assert file.suffix == ".onnx"


def test_other_weights_are_other_networks(model):
    running(model)
    torch.manual_seed(1)
    other = LightKeypoints(num_keypoints=5).eval().requires_grad_(False)
    compare(running(other), other, pictures(3))
    assert len([*cache_folder("onnx").iterdir()]) == 2


@pytest.mark.parametrize("content", ["flipped", "other weights", "torn", "empty"])
def test_a_file_that_is_not_of_these_weights_is_made_again(model, content):
    running(model)
    (file,) = cache_folder("onnx").iterdir()
    right = file.read_bytes()
    if content == "other weights":
        torch.manual_seed(1)
        other = LightKeypoints(num_keypoints=5).eval().requires_grad_(False)
        running(other)
        (foreign,) = {*cache_folder("onnx").iterdir()} - {file}
        file.write_bytes(foreign.read_bytes())
    elif content == "flipped":
        middle = len(right) // 2
        file.write_bytes(right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1 :])
    else:
        file.write_bytes(right[: len(right) // 2] if content == "torn" else b"")
    with pytest.warns(UserWarning, match="An exported network is made again"):
        network = running(model)
    compare(network, model, pictures(3))
    assert file.read_bytes() == right


def test_a_file_that_says_it_is_of_these_weights_but_is_not_is_made_again(model, monkeypatch):
    running(model)
    (file,) = cache_folder("onnx").iterdir()
    right = file.read_bytes()
    torch.manual_seed(1)
    other = LightKeypoints(num_keypoints=5).eval().requires_grad_(False)
    running(other)
    (foreign,) = {*cache_folder("onnx").iterdir()} - {file}
    # The last entry of its name is what counts.
    graph = foreign.read_bytes()
    file.write_bytes(graph + runtimes._seal(graph, runtimes._key(model)))
    wrong = file.read_bytes()
    with pytest.warns(UserWarning, match="made again: .* differs from torch's"):
        compare(running(model), model, pictures(3))
    assert file.read_bytes() == right
    # What is wrong even so is not kept, and torch takes its place.
    file.unlink()
    monkeypatch.setattr(runtimes, "_export", lambda *_: wrong)
    with pytest.raises(ValueError, match="differs from torch's"):
        running(model, "onnx")
    with pytest.warns(UserWarning, match="runs in torch, not in ONNX Runtime"):
        compare(running(model), model, pictures(3))
    assert not file.exists()


def test_it_is_pickled_and_copied_and_ends_with_who_holds_it(model):
    network = running(model)
    assert copy.deepcopy(network) is network
    again = pickle.loads(pickle.dumps(network))
    for one in (network, again):
        compare(one, model, pictures(5))
    gone = weakref.ref(network._chunks)
    gc.disable()
    try:
        del network, one
        assert gone() is None
    finally:
        gc.enable()


def test_a_cache_that_cannot_be_written_is_a_warning(model, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    with pytest.warns(UserWarning, match="not kept"):
        compare(running(model), model, pictures(2))


def test_without_the_package_auto_is_torch_and_onnx_an_error(model, monkeypatch):
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(running(model), LightKeypoints)
    with pytest.raises(ValueError, match=r"pip install objwrappers\[fast\]"):
        running(model, "onnx")


def test_what_cannot_be_exported_runs_in_torch():
    model = load_model("permakey", "MsPacman", device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(running(model), KeypointModule)
    with pytest.raises(ValueError, match="permakey does not run in ONNX Runtime: ") as error:
        running(model, "onnx")
    assert len(str(error.value)) < 300


def test_other_names_are_refused(model):
    with pytest.raises(ValueError, match="onxx"):
        running(model, "onxx")


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 7, 16])
def test_parts_are_joined_in_order(threads, count, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    seen = []

    def twice(part):
        seen.append(threading.get_ident())
        return {"twice": 2 * part, "sum": part.sum(1)}

    batch = np.arange(count * 3).reshape(count, 3)
    chunks = Chunks(twice)
    result = chunks(batch)
    np.testing.assert_array_equal(result["twice"], 2 * batch)
    np.testing.assert_array_equal(result["sum"], batch.sum(1))
    assert len(seen) == min(threads, max(1, count // 4))


def test_threads_end_with_what_made_them(monkeypatch, model):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    before = {*threading.enumerate()}
    network = running(model)
    network(pictures(16))
    new = {*threading.enumerate()} - before
    assert new
    del network
    gc.collect()
    for thread in new:
        thread.join(timeout=5)
    assert not any(thread.is_alive() for thread in new)


def test_more_threads_see_the_same(monkeypatch, model):
    network = running(model)
    alone = network(pictures(16))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    together = network(pictures(16))
    for key, value in alone.items():
        torch.testing.assert_close(together[key], value, rtol=0, atol=1e-6)
