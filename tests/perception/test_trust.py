"""Weights of strangers: one clear error at once that names the file, or finite values."""

import json
import os
import resource

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from objwrappers.perception.loading import load_model
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.permakey import PRESETS, PermaKey
from objwrappers.perception.transporter import Transporter

READ_ONLY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def load(folder, model="motion"):
    return load_model(model, game="Pong", weights=folder, device="cpu")


def edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def replace_tensors(folder, change):
    """Changes the tensors, and leaves out the digest, which would tell."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    edit(folder, sha256="")
    config = json.loads((folder / "config.json").read_text())
    del config["sha256"]
    (folder / "config.json").write_text(json.dumps(config))


def test_another_file_than_the_digest_tells_of_is_named(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors["logits.bias"] += 1
    save_file(tensors, path)
    with pytest.raises(ValueError, match=r"model.safetensors is not the file .* SHA-256 is \w{64}"):
        load(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["logits.weight", "trunk.0.1.running_var"])
def test_numbers_that_are_not_finite_are_refused(folder, name, value):
    def spoil(tensors):
        tensors[name].view(-1)[-1] = value

    replace_tensors(folder, spoil)
    with pytest.raises(ValueError, match=rf"model.safetensors: {name} holds NaN or infinity"):
        load(folder)


def test_what_is_finite_in_another_type_only_is_refused(folder):
    def widen(tensors):
        tensors["logits.bias"] = tensors["logits.bias"].double() + 1e300

    replace_tensors(folder, widen)
    with pytest.raises(ValueError, match=r"logits.bias holds NaN or infinity"):
        load(folder)


def test_half_precision_is_read(folder):
    expected = load(folder).state_dict()
    replace_tensors(
        folder, lambda t: t.update({k: v.half() for k, v in t.items() if v.is_floating_point()})
    )
    for key, value in load(folder).state_dict().items():
        assert value.dtype == expected[key].dtype
        torch.testing.assert_close(value, expected[key], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.pop("logits.bias"), "lacks: logits.bias"),
        (lambda t: t.update(more=torch.zeros(1)), "holds other tensors: more"),
        (lambda t: t.update({"logits.bias": torch.zeros(4)}), r"size mismatch .*\(4,\), .*\(3,\)"),
        (
            lambda t: t.update({"logits.bias": torch.zeros(3).long()}),
            "type torch.int64",
        ),
        (
            lambda t: t.update({"logits.bias": torch.zeros(3, dtype=torch.complex64)}),
            "type torch.complex64",
        ),
    ],
)
def test_more_fewer_or_other_tensors_are_refused(folder, change, message):
    replace_tensors(folder, change)
    with pytest.raises(ValueError, match=rf"model.safetensors.*{message}"):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "huge"])
def test_what_is_no_file_is_named_at_once(folder, name, kind):
    path = folder / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with open(path, "wb") as file:
            file.truncate(2**40)
    with pytest.raises(ValueError, match=rf"{name} is (not a regular file|too large)"):
        load(folder)


def test_missing_weights_are_missing(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights has no model.safetensors"):
        load(folder)


@pytest.mark.parametrize("text", ['{"model": NaN}', '{"sigma": Infinity}', "[" * 1100, "\0"])
def test_a_config_that_is_no_json_is_named(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        load(folder)


@pytest.mark.parametrize(
    "build, arguments",
    [
        (Transporter, {"decoder_widths": [10**9, 10**9, 10**9]}),
        (Transporter, {"decoder_widths": [2**40]}),
        (Transporter, {"decoder_widths": [-1]}),
        (Transporter, {"decoder_widths": [1] * 10_000}),
        (Transporter, {"decoder_widths": "wide"}),
        (Transporter, {"temperature": "hot"}),
        (Transporter, {"start_sigma": [0.5]}),
        (Transporter, {"spatial": 1}),
        (PermaKey, {"latent": 10**9, "encoder": "vae"}),
        (PermaKey, {"predictor_widths": [10**9, 10**9]}),
        (PermaKey, {"pointnet_widths": [10**7] * 4}),
        (PermaKey, {"patch_sizes": [84, 42]}),
        (PermaKey, {"lsp_layers": []}),
        (PermaKey, {"looks_at": ["errors"] * 64}),
        (MotionKeypoints, {"width": 4096}),
        (MotionKeypoints, {"width": -2}),
        (MotionKeypoints, {"num_keypoints": 10**9}),
        (MotionKeypoints, {"num_keypoints": 1024}),
    ],
)
def test_arguments_take_no_memory_before_they_are_compared(tmp_path, build, arguments):
    options = PRESETS["light"] if build is PermaKey else {}
    build(num_keypoints=3, **options).save_pretrained(tmp_path / "weights")
    edit(tmp_path / "weights", **arguments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"(config.json|model.safetensors)"):
        load(tmp_path / "weights", build.name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"trained_on": "Pong"}, "trained_on must be like"),
        ({"trained_on": {"task": 3}}, "trained_on must be like"),
        ({"sha256": 5}, "sha256 must be a word, got 5"),
        ({"family": None}, "family must be a word, got None"),
        ({"model": ["motion"]}, r"model must be a word, got \['motion'\]"),
        ({"trained_on": {"channels": "BGR"}}, "trained on BGR frames, but motion reads RGB"),
        ({"trained_on": {"channels": "grey"}}, "trained on grey frames, but motion reads RGB"),
    ],
)
def test_facts_of_another_kind_are_named(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(ValueError, match=rf"config.json.*{message}"):
        load(folder)


@READ_ONLY
@given(data=st.data())
def test_bytes_changed_anywhere_are_an_error_or_no_matter(folder, data):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    place = data.draw(st.integers(0, header + 64) | st.integers(0, len(whole) - 1))
    patch = data.draw(st.binary(min_size=1, max_size=8))
    changed = whole[:place] + patch + whole[place + len(patch) :]
    config = json.loads((folder / "config.json").read_text())
    digest = config.pop("sha256")
    try:
        path.write_bytes(changed[: data.draw(st.sampled_from([len(changed), place]))])
        if path.read_bytes() != whole:
            with pytest.raises(ValueError, match=r"model.safetensors is not the file"):
                load(folder)
        (folder / "config.json").write_text(json.dumps(config))
        try:
            state = load(folder).state_dict()
        except ValueError as error:
            assert "model.safetensors" in str(error)
        else:
            assert all(value.isfinite().all() for value in state.values())
    finally:
        path.write_bytes(whole)
        (folder / "config.json").write_text(json.dumps({**config, "sha256": digest}))


KEYS = ["num_keypoints", "sigma", "width", "trained_on", "sha256", "family", "model"]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@READ_ONLY
@given(key=st.sampled_from(KEYS), value=values)
def test_any_value_in_a_config_is_an_error_or_a_model(folder, key, value):
    whole = (folder / "config.json").read_text()
    edit(folder, **{key: value})
    try:
        model = load(folder)
    except ValueError as error:
        assert str(folder) in str(error)
    else:
        black = torch.zeros(1, 84, 84, 3, dtype=torch.uint8)
        assert all(percept.isfinite().all() for percept in model(black).values())
    finally:
        (folder / "config.json").write_text(whole)
