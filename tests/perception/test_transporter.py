import pytest
import torch

from objwrappers.perception.loading import load_model
from objwrappers.perception.transporter import PRESETS, Transporter, transport


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_published_parameter_counts():
    model = Transporter(num_keypoints=7, **PRESETS["published"])
    assert count(model.encoder) == 16_848
    assert count(model.pointer) == 17_079
    assert count(model.decoder) == 278_409


def test_published_shapes():
    model = Transporter(num_keypoints=7).eval()
    images = torch.rand(2, 3, 84, 84)
    assert model.pointer(images).shape == (2, 7, 42, 42)
    reconstruction, keypoints = model.reconstruct(images, images, 0.1)
    assert reconstruction.shape == (2, 3, 84, 84)
    assert keypoints.shape == (2, 7, 2)


def test_transport_erases_and_pastes_one_keypoint_after_the_other():
    source, target = torch.tensor([[[[8.0, 8.0]]]]), torch.tensor([[[[3.0, 5.0]]]])
    here = torch.tensor([[[[1.0, 0.0]], [[0.0, 0.5]]]])
    there = torch.tensor([[[[0.0, 0.5]], [[0.0, 0.0]]]])
    # Left: erased by the first source keypoint. Right: 0.5·8 + 0.5·5 = 6.5, then halved.
    assert transport(source, target, here, there).flatten().tolist() == [0.0, 3.25]


def test_transport_equals_the_published_sequence():
    torch.manual_seed(0)
    source, target = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    here, there = torch.rand(2, 6, 4, 5), torch.rand(2, 6, 4, 5)
    features = source
    for k in range(6):
        h, t = here[:, k, None], there[:, k, None]
        features = (1 - h) * (1 - t) * features + t * target
    torch.testing.assert_close(transport(source, target, here, there), features)


def test_gradient_reaches_the_target_only():
    model = Transporter(num_keypoints=2)
    batch = {
        k: torch.randint(0, 256, (2, 84, 84, 3), dtype=torch.uint8) for k in ("source", "target")
    }
    losses = model.loss(batch, 0.0)
    losses["loss"].backward()
    torch.testing.assert_close(losses["loss"], losses["reconstruction"])
    for part in (model.encoder, model.pointer, model.decoder):
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())


def test_a_small_moved_object_weighs_as_much_as_a_large_one():
    model = Transporter(num_keypoints=1, change_weight=10.0).eval()
    black = torch.zeros(1, 84, 84, 3, dtype=torch.uint8)
    same = model.loss({"source": black, "target": black}, 1.0)
    torch.testing.assert_close(same["loss"], same["reconstruction"])
    target = black.clone()
    target[0, 10:12, 10:12] = 255  # one cell of the map
    target[0, 40:46, 40:46] = 255  # nine
    source, target = model.images(black), model.images(target)
    weights = model._objects(source, target)
    assert weights[0, :20, :20].sum().item() == pytest.approx(4.0)
    assert weights[0, 30:56, 30:56].sum().item() == pytest.approx(4.0)
    assert weights.count_nonzero() == 2 * 2 + 6 * 6


def test_foreground_hides_the_background_and_what_does_not_travel():
    torch.manual_seed(0)
    model = Transporter(num_keypoints=3, foreground=True).eval()
    still = torch.randint(0, 256, (84, 84, 3), dtype=torch.uint8)
    travels = torch.ones(84, 84)
    travels[:20] = 0
    model.set_scenery(still, travels)
    scored = still.clone()
    scored[:20] = 255
    moved = still.clone()
    moved[50:60, 30:40] = 255 - still[50:60, 30:40]
    images = model.images(torch.stack([still, scored, moved]))
    nothing, score, sprite = model._locate(images)
    torch.testing.assert_close(nothing, score)
    assert (nothing - sprite).abs().max() > 1e-4
    assert model._objects(images[:1], images[1:2]).sum() == 0
    assert model._objects(images[:1], images[2:]).sum() > 0


def test_scenery_is_stored_with_the_weights(tmp_path):
    model = Transporter(num_keypoints=3, foreground=True).eval()
    still = torch.randint(0, 256, (84, 84, 3), dtype=torch.uint8)
    model.set_scenery(still, torch.zeros(84, 84))
    model.save_pretrained(tmp_path / "weights")
    loaded = load_model("transporter", "Pong", weights=tmp_path / "weights", device="cpu")
    assert torch.equal(loaded.background, still.permute(2, 0, 1))
    assert loaded.travels.sum() == 0


def test_sigma_falls_geometrically_over_60_percent():
    model = Transporter(num_keypoints=1, sigma=0.1, start_sigma=0.4)
    assert [model.sigma_at(p) for p in (0, 0.3, 0.6, 1)] == pytest.approx([0.4, 0.2, 0.1, 0.1])
    assert Transporter(num_keypoints=1).sigma_at(0.0) == 0.1


def test_no_keypoints_is_refused():
    with pytest.raises(ValueError, match="num_keypoints must be an integer of at least 1, got 0"):
        Transporter(num_keypoints=0)
