"""What all gaze models must do, and what each does in its own way."""

import pytest
import torch
from torch import nn

from objwrappers.perception.base import FrameFormat, PerceptionModel
from objwrappers.perception.gaze.deconv import DeconvGaze
from objwrappers.perception.gaze.gcu import GraphGaze
from objwrappers.perception.gaze.module import peak, recoloured
from objwrappers.perception.gaze.motion import MotionGaze
from objwrappers.perception.loading import load_model

MODELS = [DeconvGaze, GraphGaze, MotionGaze]


def stacks(count=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 4, 84, 84), dtype=torch.uint8, generator=generator)


def batch_of(count=4):
    maps = torch.rand(count, 84, 84)
    weight = torch.ones(count)
    return {"frames": stacks(count), "map": maps / maps.sum((1, 2), keepdim=True), "weight": weight}


def test_the_authors_network_has_their_parameters_and_maps():
    model = DeconvGaze()
    assert sum(p.numel() for p in model.parameters()) == 150_273
    sides, x = [], torch.rand(1, 4, 84, 84)
    for layer in [*model.encoder, *model.decoder]:
        x = layer(x)
        sides.append(tuple(x.shape[1:]))
    assert sides == [(32, 20, 20), (64, 9, 9), (64, 7, 7), (64, 9, 9), (32, 20, 20), (1, 84, 84)]
    kinds = [type(layer) for layer in model.encoder[0]]
    assert kinds == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.Dropout]


@torch.no_grad()
@pytest.mark.parametrize("cls", MODELS)
def test_a_density_and_its_peak(cls):
    model = cls().eval()
    assert isinstance(model, PerceptionModel)
    assert model.frame_format == FrameFormat(84, 84, grayscale=True, stack=4)
    frames = stacks()
    percepts = model(frames)
    assert percepts["heatmap"].shape == (3, 84, 84) and percepts["gaze"].shape == (3, 2)
    torch.testing.assert_close(percepts["heatmap"].sum((1, 2)), torch.ones(3))
    for i in range(3):
        one = {key: value[i].numpy() for key, value in percepts.items()}
        assert model.observation_space.contains(one)
    with_channels = model(frames[..., None])
    assert torch.equal(with_channels["heatmap"], percepts["heatmap"])
    torch.testing.assert_close(model(frames[1:2])["heatmap"][0], percepts["heatmap"][1])
    native = frames.repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert torch.equal(model(native)["heatmap"], percepts["heatmap"])


@pytest.mark.parametrize("shape", [(2, 3, 84, 84), (2, 84, 84), (2, 4, 84, 84, 3)])
def test_other_stacks_are_refused(shape):
    with pytest.raises(ValueError, match=r"uint8 of shape \(B, 4, H, W, 1\)"):
        DeconvGaze()(torch.zeros(shape, dtype=torch.uint8))


def test_a_peak_is_the_middle_of_the_highest_cells():
    density = torch.zeros(4, 84, 84)
    density[0, 10, 20] = 1
    density[1, 10, 20], density[1, 11, 22] = 0.6, 0.4
    density[2, 0, 83], density[2, 40, 40] = 0.6, 0.4  # two places: not between them
    x, y = peak(density).T
    assert x[0].item() == pytest.approx(20.5 / 84 * 2 - 1)
    assert y[0].item() == pytest.approx(10.5 / 84 * 2 - 1)
    assert x[1].item() == pytest.approx(21.3 / 84 * 2 - 1, abs=1e-6)
    assert y[1].item() == pytest.approx(10.9 / 84 * 2 - 1, abs=1e-6)
    assert (x[2].item(), y[2].item()) == pytest.approx((83.5 / 84 * 2 - 1, 0.5 / 84 * 2 - 1))
    assert torch.isfinite(peak(density)).all()


@torch.no_grad()
def test_the_loss_by_hand():
    model, batch = DeconvGaze().eval(), batch_of()
    batch["weight"] = torch.tensor([1.0, 0, 1, 0])
    batch["map"][0, :40] = 0
    batch["map"][0] /= batch["map"][0].sum()
    batch["map"][1] = 0  # nobody looked
    found = model.loss(batch, 0.5)
    heatmap = model(batch["frames"])["heatmap"]
    kl, r = [], []
    for i in (0, 2):
        p, q = batch["map"][i].flatten(), heatmap[i].flatten()
        kl.append((p[p > 0] * (p[p > 0] / q[p > 0]).log()).sum())
        r.append(torch.corrcoef(torch.stack([p, q]))[0, 1])
    torch.testing.assert_close(found["loss"], torch.stack(kl).mean(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["correlation"], torch.stack(r).mean(), rtol=1e-3, atol=1e-4)
    nobody = model.loss({**batch, "weight": torch.zeros(4)}, 0.5)
    assert nobody["loss"] == 0
    perfect = model.loss({**batch, "map": heatmap, "weight": torch.ones(4)}, 0.5)
    assert abs(perfect["loss"]) < 1e-5
    assert perfect["correlation"].item() == pytest.approx(1, abs=1e-5)


def seen_by(model, batch, monkeypatch):
    """What the network is shown in training, and the loss for a density like the image."""
    seen = []
    monkeypatch.setattr(model, "logits", lambda images: seen.append(images) or images[:, -1])
    torch.manual_seed(0)
    loss = model.loss(batch, 0.0)["loss"]
    return seen[0], loss


def test_another_palette_changes_grey_levels_alike_and_no_places(monkeypatch):
    model, batch = DeconvGaze(dropout=0.0, palette=0.5), batch_of(40)
    batch["frames"] = stacks(1).repeat(40, 1, 1, 1) // 64 * 64  # four levels
    shown, _ = seen_by(model, batch, monkeypatch)
    plain = model.images(batch["frames"][..., None])
    kept = [torch.equal(*pair) for pair in zip(shown, plain, strict=True)]
    assert 10 < sum(kept) < 30
    for after, before in zip(shown, plain, strict=True):
        levels = [after[before == level].unique() for level in before.unique()]
        assert [len(level) for level in levels] == [1, 1, 1, 1]
    changed = [after.unique().tolist() for after, same in zip(shown, kept, strict=True) if not same]
    assert changed[0] != changed[1]


def test_curves_go_through_their_levels(monkeypatch):
    knots = torch.tensor([[0.5, 0.1, 0.9, 0, 0, 0, 0, 0, 0.7]])
    monkeypatch.setattr(torch, "rand", lambda *shape, device: knots)
    levels = torch.tensor([[0, 1 / 16, 1 / 8, 3 / 16, 1.0]])
    torch.testing.assert_close(recoloured(levels), torch.tensor([[0.5, 0.3, 0.1, 0.5, 0.7]]))


def test_mirrored_stacks_have_mirrored_gaze(monkeypatch):
    model, batch = DeconvGaze(dropout=0.0, flip=True), batch_of(20)
    shown, loss = seen_by(model, batch, monkeypatch)
    plain = model.images(batch["frames"][..., None])
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(shown, plain, strict=True)]
    assert mirrored == [not torch.equal(a, b) for a, b in zip(shown, plain, strict=True)]
    assert 5 < sum(mirrored) < 15
    still = DeconvGaze(dropout=0.0)
    assert loss.item() == pytest.approx(seen_by(still, batch, monkeypatch)[1].item(), abs=1e-4)


@pytest.mark.parametrize("cls", MODELS)
def test_every_parameter_learns(cls):
    torch.manual_seed(0)
    model = cls(dropout=0.0)
    model.prepare(stacks(8))
    model.loss(batch_of(), 0.0)["loss"].backward()
    idle = [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 1e-5]
    # A constant on all logits is no matter to a density.
    assert idle == ["decoder.2.bias"]


def test_adadelta_as_published_and_its_plateau():
    chosen = DeconvGaze().configure_optimizers({"learning_rate": 1.0, "weight_decay": 0.1}, 9)
    (group,) = chosen.optimizer.param_groups
    assert isinstance(chosen.optimizer, torch.optim.Adadelta)
    assert (group["lr"], group["rho"], group["eps"]) == (1.0, 0.95, 1e-8)
    assert group["weight_decay"] == 0.1 and chosen.interval == "validation"
    rates = []
    for _ in range(6):
        chosen.scheduler.step(3.0)
        rates.append(chosen.optimizer.param_groups[0]["lr"])
    assert rates == [1, 1, 1, 1, 0.5, 0.5]


def test_what_moves_is_seen_between_neighbours():
    images = torch.zeros(1, 4, 84, 84)
    images[0, 2, 5, 6] = 0.75
    motion = MotionGaze.motion(images)
    assert motion.shape == (1, 3, 84, 84) and motion.sum() == 1.5
    assert motion[0, 1, 5, 6] == motion[0, 2, 5, 6] == 0.75
    assert torch.equal(MotionGaze().diagnostics(images)["motion"][0], motion[0, 2])


@pytest.mark.parametrize("cls", MODELS)
def test_a_prepared_model_knows_the_frames_mean(cls):
    model, frames = cls(), stacks(40)
    model.prepare(frames)
    assert model.mean.item() == pytest.approx(frames.float().mean().item() / 255, abs=1e-5)
    assert model.training and all(module.training for module in model.modules())


@torch.no_grad()
def test_vertices_begin_in_the_features_of_the_frames():
    torch.manual_seed(0)
    model, frames = GraphGaze(vertices=6), stacks(40)
    model.prepare(frames)
    model.eval()
    features = model.encoder(model.images(frames[..., None]) - model.mean)
    # Batch norms know these frames: their outputs have mean 0 and deviation 1.
    assert features.mean((0, 2, 3)).abs().max() < 0.05
    assert (features.std((0, 2, 3)) - 1).abs().max() < 0.1
    cells = features.movedim(1, -1).flatten(0, 2)
    nearest = torch.cdist(cells, model.graph.anchors).min(-1).values
    anywhere = torch.cdist(cells, torch.randn_like(model.graph.anchors)).min(-1).values
    assert nearest.mean() < 0.9 * anywhere.mean()
    belonging = model.graph.assign(cells[None])[0]
    assert (belonging.argmax(-1).bincount(minlength=6) > 0).all()
    shades = model.diagnostics(model.images(frames[:2, ..., None]))["vertices"]
    assert shades.shape == (2, 9, 9) and 0 <= shades.min() <= shades.max() <= 1


@pytest.mark.parametrize("cls", MODELS)
def test_weights_come_back(cls, tmp_path):
    model = cls(dropout=0.25).eval()
    model.prepare(stacks(8))
    model.record = {"trained_on": {"task": "MsPacman", "noise": "none", "channels": "grey"}}
    model.save_pretrained(tmp_path / "weights")
    options = {"weights": tmp_path / "weights", "device": "cpu", "family": "gaze"}
    loaded = load_model(cls.name, "MsPacman", **options)
    assert loaded.dropout == 0.25 and not loaded.training
    with torch.no_grad():
        torch.testing.assert_close(loaded(stacks())["heatmap"], model(stacks())["heatmap"])


def test_arguments_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"dropout must be at least 0 and below 1, got 1"):
        DeconvGaze(dropout=1.0)
    with pytest.raises(ValueError, match="vertices must be 1 to 1024, got 0"):
        GraphGaze(vertices=0)


def test_pictures_show_the_newest_frame_and_people():
    batch = batch_of(2)
    batch["map"] = torch.zeros(2, 84, 84)
    batch["map"][0, 3, 4] = 1
    shown = DeconvGaze().eval().pictures(batch)
    newest = batch["frames"][:, 3] / 255
    torch.testing.assert_close(shown["input"][:, 1], newest)
    assert shown["human"][0, :, 3, 4].tolist() == [1, 0, 0]
    torch.testing.assert_close(shown["human"][1], shown["input"][1])


@pytest.mark.gpu
@pytest.mark.parametrize("cls", MODELS)
def test_cuda_sees_what_the_processor_sees(cls):
    model = cls().eval()
    model.prepare(stacks(8))
    on_processor = model(stacks())["heatmap"]
    on_cuda = model.cuda()(stacks().cuda())["heatmap"].cpu()
    assert (on_cuda - on_processor).abs().sum((1, 2)).max() < 0.05  # half precision


def test_missing_weights_are_told_how_to_make(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = "--family gaze --model gcu --game Pong --trials atari_head"
    with pytest.raises(FileNotFoundError, match=command) as error:
        load_model("gcu", "Pong", device="cpu", family="gaze")
    assert 'pretrain("gcu", "Pong", family="gaze", trials="atari_head")' in str(error.value)
