"""Context translation: sizes, losses, features, storage, and that it learns."""

import numpy as np
import pytest
import torch

from objwrappers.metrics.translation import copy_error, frame_error, time_error
from objwrappers.perception.context_translation import PRESETS, ContextTranslation
from objwrappers.perception.loading import family_and_model_of
from objwrappers.perception.registry import model_class, model_presets

LSTM = {**PRESETS["upstream"], "translator": "lstm", "feature_dim": 1024, "activated": True}


def batch_of(size, videos=2, length=3, seed=0):
    shape = (videos, length, size, size, 3)
    rng = torch.Generator().manual_seed(seed)
    source, target = (
        torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8) for _ in range(2)
    )
    return {"source": source, "target": target, "context": target[:, 0].clone()}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ContextTranslation(image_size=16)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("arguments", "parts", "total", "millions"),
    [
        (PRESETS["small"], (329_360, 24_768, 421_332), 1_104_820, 1.10),
        (PRESETS["paper"], (10_075_776, 3_147_776, 13_334_851), 36_634_179, 36.6),
        (PRESETS["upstream"], (4_390_912, 49_408, 5_071_299), 13_902_531, 13.9),
        (LSTM, (5_885_440, 16_793_600, 5_530_051), 34_094_531, 34.1),
    ],
    ids=["small", "paper", "upstream", "lstm"],
)
def test_as_many_parameters_as_published(arguments, parts, total, millions):
    with torch.device("meta"):
        model = ContextTranslation(**arguments)
    assert tuple(map(count, (model.encoder, model.translator, model.decoder))) == parts
    assert count(model) == total
    assert total / 1e6 == pytest.approx(millions, abs=0.05 if millions > 2 else 0.005)


def test_the_registry_knows_model_and_presets():
    assert model_class("context_translation", "translation") is ContextTranslation
    assert [*model_presets("context_translation", "translation")] == ["small", "paper", "upstream"]


def test_behind_an_empty_mask_is_the_contexts_frame(model):
    last = model.decoder.steps[-1].growing
    assert last.bias[3] == -2
    batch = batch_of(16)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0, 1.0, -1.0, -50.0]))
        made = model.translate(batch["source"], batch["context"]).frames
        expected = batch["context"][:, None].expand(-1, 3, -1, -1, -1) / 255
        torch.testing.assert_close(made, expected)
        # A mask of a quarter: m = σ(-log 3).
        last.bias[3] = -np.log(3)
        made = model.translate(batch["source"], batch["context"]).frames
        painted = torch.tensor([0.0, 1.0, -1.0]).sigmoid()
        torch.testing.assert_close(made, 0.75 * expected + 0.25 * painted)


SMALLER = {
    "small": {"image_size": 16},
    "small without compositing": {"image_size": 32, "compositing": False},
    "tied": {"image_size": 16, "tied": True, "width": 2, "normalisation": "none"},
    "paper": {**PRESETS["paper"], "image_size": 16, "feature_dim": 8},
    "upstream": {**PRESETS["upstream"], "feature_dim": 8},
    "lstm": {**LSTM, "feature_dim": 8},
    "masked upstream in groups": {
        **LSTM,
        "feature_dim": 8,
        "compositing": True,
        "normalisation": "group",
    },
}


@pytest.mark.parametrize("arguments", SMALLER.values(), ids=SMALLER)
def test_in_evaluation_figures_are_plain(arguments):
    torch.manual_seed(0)
    model = ContextTranslation(**arguments).eval()
    batch = batch_of(model.image_size)
    with torch.no_grad():
        terms = {key: value.item() for key, value in model.loss(batch, 1.0).items()}
    made = model.translate(batch["source"], batch["context"])
    assert made.features.shape == (2, 3, model.feature_dim)
    assert made.frames.dtype == torch.float32
    assert 0 <= made.frames.min() and made.frames.max() <= 1
    target = batch["target"].numpy()
    assert terms["translation"] == pytest.approx(frame_error(made.frames.numpy(), target), rel=1e-4)
    assert terms["copy"] == pytest.approx(copy_error(target, batch["context"].numpy()), rel=1e-5)
    own = model.encode(batch["target"])
    errors = [time_error(z.numpy(), z2.numpy()) for z, z2 in zip(made.features, own, strict=True)]
    assert terms["time_error"] == pytest.approx(np.mean(errors))
    with torch.no_grad():
        short = model.loss({**batch, **{k: batch[k][:, :2] for k in ("source", "target")}}, 1.0)
    assert "time_error" not in short and "copy" in short
    drawn = model.pictures(batch)
    assert [*drawn] == ["source", "prediction", "truth"]
    torch.testing.assert_close(drawn["source"], batch["source"][:, 2].movedim(-1, 1) / 255)
    torch.testing.assert_close(drawn["truth"], batch["target"][:, 2].movedim(-1, 1) / 255)
    torch.testing.assert_close(drawn["prediction"], made.frames[:, 2].movedim(-1, 1))


@pytest.mark.parametrize("arguments", SMALLER.values(), ids=SMALLER)
def test_every_parameter_learns(arguments):
    torch.manual_seed(0)
    model = ContextTranslation(**arguments)
    terms = model.loss(batch_of(model.image_size), 0.0)
    assert [*terms] == ["loss", "translation", "reconstruction", "alignment"]
    terms["loss"].backward()
    for name, parameter in model.named_parameters():
        # Batch norms take away a bias before them.
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        if name.endswith("weight"):
            assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("name", ["small", "paper", "upstream", "lstm"])
def test_half_precision_is_near(name):
    torch.manual_seed(0)
    model = ContextTranslation(**SMALLER[name]).eval()
    batch = batch_of(model.image_size)
    with torch.no_grad():
        expected = model.loss(batch, 0.0)["loss"]
        with torch.autocast("cpu", torch.bfloat16):
            found = model.loss(batch, 0.0)["loss"]
            made = model.translate(batch["source"], batch["context"])
    assert found.dtype == made.frames.dtype == made.features.dtype == torch.float32
    assert found != expected
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0)


def test_the_small_loss_from_the_outside(model):
    """Weighted squares of what translate() shows, and features of encode()."""
    model.weights.update(translation=2.0, reconstruction=0.0, alignment=3.0)
    batch = batch_of(16)
    terms = {key: value.item() for key, value in model.loss(batch, 0.0).items()}
    made = model.translate(batch["source"], batch["context"])
    truth, context = batch["target"] / 255, batch["context"][:, None] / 255
    weights = 1 + 10 * ((truth - context).abs().amax(-1, keepdim=True) > 0.08)
    expected = (weights * (made.frames - truth) ** 2).sum().item() / 6 / 10
    assert terms["translation"] == pytest.approx(expected, rel=1e-4)
    alignment = (made.features - model.encode(batch["target"])).square().mean().item()
    assert terms["alignment"] == pytest.approx(alignment, rel=1e-3)
    assert terms["loss"] == pytest.approx(2 * expected + 3 * alignment, rel=1e-4)


def test_the_papers_images_are_from_minus_one_to_one():
    torch.manual_seed(0)
    model = ContextTranslation(**SMALLER["paper"])
    batch = batch_of(16)
    last = model.decoder.steps[-1].growing
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(-1.0)  # black
    terms = model.loss(batch, 0.0)
    expected = (2 * batch["target"].double() / 255).square().sum().item() / 2
    assert terms["translation"].item() == pytest.approx(expected, rel=1e-4)
    assert model.translate(batch["source"], batch["context"]).frames.abs().max() == 0


def test_published_batch_norms_see_one_time_step_of_one_side():
    torch.manual_seed(0)
    model = ContextTranslation(**SMALLER["upstream"])
    batch = batch_of(64)
    with torch.no_grad():
        whole = model.loss(batch, 0.0)
        each = [
            model.loss({**batch, **{k: batch[k][:, t : t + 1] for k in ("source", "target")}}, 0.0)
            for t in range(3)
        ]
    for key, value in whole.items():
        torch.testing.assert_close(value, torch.stack([terms[key] for terms in each]).sum())


@pytest.mark.parametrize("arguments", SMALLER.values(), ids=SMALLER)
def test_frames_are_encoded_alike_alone_and_together(arguments):
    torch.manual_seed(0)
    model = ContextTranslation(**arguments).eval()
    frames = batch_of(model.image_size)["source"]
    together = model.encode(frames)
    assert together.shape == (2, 3, model.feature_dim) and not together.requires_grad
    for index in np.ndindex(2, 3):
        torch.testing.assert_close(together[index], model.encode(frames[index]))


def test_scale_cost_and_standardised_by_hand(monkeypatch):
    model = ContextTranslation(image_size=16, feature_dim=2)
    monkeypatch.setattr(model, "encode", lambda frames: frames[..., :2].float().mean((-3, -2)))
    episodes = torch.zeros(2, 3, 16, 16, 3, dtype=torch.uint8)
    episodes[0, 1, ..., 0], episodes[0, 2, ..., 0] = 1, 2
    episodes[1, :, ..., 1] = 5
    episodes[1, 2, ..., 1] = 8
    model.prepare(episodes)
    model.settle(lambda number: pytest.fail("nothing is drawn"))
    assert model.training
    assert model.scale.item() == (1 + 4 + 0 + 9) / 4
    assert model.feature_mean.tolist() == pytest.approx([3 / 6, 18 / 6])
    z = torch.tensor([[1.0, 2], [3, 2]])
    assert model.cost(z, torch.tensor([1.0, 0])).tolist() == pytest.approx([4 / 3.5, 8 / 3.5])
    std = torch.tensor([(5 / 6 - 0.25) ** 0.5, ((25 + 25 + 64) / 6 - 9) ** 0.5])
    expected = (z - torch.tensor([0.5, 3.0])) / std
    torch.testing.assert_close(model.standardised(z), expected)


@pytest.mark.parametrize("name", ["small", "tied", "lstm"])
def test_weights_come_back(tmp_path, name):
    torch.manual_seed(0)
    model = ContextTranslation(**SMALLER[name])
    with torch.no_grad():
        for parameter in model.parameters():  # on disk they have half as many bits
            parameter.copy_(parameter.half())
    batch = batch_of(model.image_size, length=2)
    model.loss(batch, 0.0)  # moves the running statistics
    model.prepare(batch["source"])
    model.settle(lambda number: batch["source"])
    model.eval().save_pretrained(tmp_path / "weights")
    assert family_and_model_of(tmp_path / "weights") == ("translation", "context_translation")
    read = ContextTranslation.from_pretrained(tmp_path / "weights")
    assert read.arguments == model.arguments and not read.training
    for key, value in model.state_dict().items():
        torch.testing.assert_close(read.state_dict()[key], value)
    assert read.scale != 1
    made, again = (m.translate(batch["source"], batch["context"]) for m in (model, read))
    torch.testing.assert_close(made.frames, again.frames)
    with pytest.raises(RuntimeError, match=r"call prepare\(episodes\)"):
        read.settle(lambda number: batch["source"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architecture": "smal"}, "Unknown architecture 'smal'. Did you mean 'small'"),
        ({"translator": "gru"}, "Unknown translator 'gru'"),
        ({"normalisation": "layer"}, "Unknown normalisation 'layer'"),
        ({"image_size": 50}, "multiple of 16 of at most 512, got 50"),
        ({"image_size": 0}, "multiple of 16 of at most 512, got 0"),
        ({**PRESETS["upstream"], "image_size": 48}, "64 pixels, got image_size 48"),
        ({"feature_dim": 0}, "feature_dim must be at least 1, got 0"),
        (
            {**PRESETS["upstream"], "normalisation": "group", "feature_dim": 6},
            "multiple of 4, .*, got 6",
        ),
        ({"width": 0}, "width must be from 1 to 16, got 0"),
        ({**PRESETS["paper"], "width": 2}, "Only the small architecture has a width, got 2"),
        ({"motion_weight": -1.0}, "motion_weight must be a number of at least 0, got -1"),
        ({"alignment_weight": float("nan")}, "alignment_weight must be a number .* got nan"),
    ],
)
def test_arguments_out_of_bounds_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ContextTranslation(**arguments)


def test_frames_of_another_form_are_named(model):
    batch = batch_of(16)
    for frames in (batch["source"][..., :8, :], batch["source"].float(), batch["source"][..., :1]):
        for call in (
            lambda: model.encode(frames),  # noqa: B023
            lambda: model.prepare(frames),  # noqa: B023
            lambda: model.translate(frames, batch["context"]),  # noqa: B023
        ):
            with pytest.raises(ValueError, match=r"uint8 of shape \(..., 16, 16, 3\), got torch"):
                call()
    for changes in (
        {"target": batch["target"][:, :2]},
        {"context": batch["target"]},
        {"context": batch["context"][:1]},
    ):
        with pytest.raises(ValueError, match=r"source and target must be \(B, T, h, w, 3\)"):
            model.loss({**batch, **changes}, 0.0)
    with pytest.raises(ValueError, match=r"Nothing moves in the videos, of shape \(2, 3"):
        model.prepare(batch["source"][:, :1].expand(-1, 3, -1, -1, -1))
    norms = ContextTranslation(**SMALLER["upstream"])
    with pytest.raises(ValueError, match="at least 2 videos in a batch, got 1"):
        norms.loss(batch_of(64, videos=1), 0.0)
    assert norms.eval().loss(batch_of(64, videos=1), 0.0)["loss"] > 0


CONTEXTS = ((40, 60, 90), (220, 120, 60)), ((170, 190, 150), (30, 40, 160))
"""Ground and square of two scenes."""


def moving_squares(videos, length, size):
    """A square that moves, in two contexts: uint8 (2, videos, length, size, size, 3)."""
    rng = np.random.default_rng(0)
    frames = np.empty((2, videos, length, size, size, 3), np.uint8)
    for i in range(videos):
        x, y = rng.integers(0, size - 4, 2)
        dx, dy = rng.choice([-2, 2]), rng.choice([-1, 1])
        for t in range(length):
            left, top = np.clip([x + dx * t, y + dy * t], 0, size - 4)
            for scene, (ground, square) in zip(frames, CONTEXTS, strict=True):
                scene[i, t] = ground
                scene[i, t, top : top + 4, left : left + 4] = square
    return torch.from_numpy(frames)


def test_it_learns_where_squares_move(model):
    scenes = moving_squares(6, 5, 16)
    batch = {
        "source": torch.cat([scenes[0], scenes[1]]),
        "target": torch.cat([scenes[1], scenes[0]]),
    }
    batch["context"] = batch["target"][:, 0]
    optimizer = model.configure_optimizers({"learning_rate": 1e-3}, 80).optimizer
    assert isinstance(optimizer, torch.optim.Adam) and len(optimizer.param_groups) == 1
    for step in range(80):
        optimizer.zero_grad()
        model.loss(batch, step / 80)["loss"].backward()
        optimizer.step()
    with torch.no_grad():
        terms = {key: value.item() for key, value in model.eval().loss(batch, 1.0).items()}
    assert terms["translation"] < terms["copy"] / 3
    assert terms["time_error"] < 0.5
